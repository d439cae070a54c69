"""Mask known secrets in a text, in every encoding in which a vendor may echo them."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

from rotation.core.secret import MASK, Secret

_SHORTEST_PIECE = 8


def scrub(text: str, secrets: tuple[Secret, ...]) -> str:
    """Return ``text`` with every secret masked: raw, in Base64, URL-encoded, JSON-escaped and in hexadecimal.

    A Base64 text that holds a secret among other things, such as ``user:password``, is masked as a whole.
    """
    values = [secret.reveal() for secret in secrets if secret]
    forms = {form for value in values for form in _forms(value)}
    pieces = {piece for value in values for piece in _pieces(value)}
    patterns = [rf"[A-Za-z0-9+/_-]*{re.escape(piece)}[A-Za-z0-9+/_-]*={{0,2}}" for piece in sorted(pieces)]
    # One pass, longest form first: a secret may be part of another secret or of the mask.
    patterns += [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
    return re.sub("|".join(patterns), MASK, text) if patterns else text


def printable(text: str) -> str:
    """Return ``text`` without what a terminal would obey: control characters, and those that turn the direction."""
    return re.sub(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _pieces(raw: str) -> set[str]:
    """Return the part of a value's Base64 text that its neighbours do not change, for each place in a group of three.

    Pieces of less than eight characters would match by chance.
    """
    data = raw.encode(errors="surrogatepass")
    found: set[str] = set()
    for before, touched in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(data)) // 3 * 4
        piece = base64.b64encode(b"\0" * before + data).decode()[touched:whole]
        found |= {piece, piece.replace("+", "-").replace("/", "_")} if len(piece) >= _SHORTEST_PIECE else set()
    return found


def _forms(raw: str) -> set[str]:
    data = raw.encode(errors="surrogatepass")
    return {
        raw,
        base64.b64encode(data).decode(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        json.dumps(raw)[1:-1],
        json.dumps(raw, ensure_ascii=False)[1:-1],
        data.hex(),
        data.hex().upper(),
    }
