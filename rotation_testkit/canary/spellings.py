"""Every form in which a secret could stand in a text, and a quick search for many secrets in much text.

This is the kit's only list of spellings. It shares nothing with ``rotation.core.scrub``, which the kit checks: a
spelling that the product forgets to mask is still found here.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote_plus

from rotation.core.secret import Secret

_SHORTEST = 6
"""A shorter piece of Base64 would match by chance."""
_PROBE = 4
"""Letters and digits in a row that every form keeps; shorter rows stand in any text."""


def leaks(text: str, secrets: Collection[Secret]) -> bool:
    """Return whether a text holds any of the secrets in any spelling."""
    return any(form in text for secret in secrets for form in spellings(secret))


def spellings(secret: Secret) -> set[str]:
    """Return every form of a value: raw, quoted, escaped once and twice, hexadecimal, and anywhere in Base64."""
    raw = secret.reveal()
    data = raw.encode(errors="surrogatepass")
    coded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), data.hex(), data.hex().upper()}
    quoted = {quote(data, safe=""), quote(data), quote_plus(data), *(quote(form, safe="") for form in coded)}
    escaped = {repr(raw)[1:-1], json.dumps(raw)[1:-1], json.dumps(json.dumps(raw))[3:-3], repr(data)[2:-1]}
    # Without backslashes: for texts that were escaped many times, which are compared without theirs.
    found = {raw, raw.replace("\\", ""), *escaped, *quoted, *coded, *(form.rstrip("=") for form in coded)}
    for piece in _pieces(data):
        found |= {piece, piece.replace("+", "-").replace("/", "_")} if len(piece) >= _SHORTEST else set()
    return found


def variants(text: str) -> set[str]:
    """Return a text as it stands, without its URL-encoding, and without its backslashes."""
    return {text, unquote_plus(text), text.replace("\\", "")}


def find(secrets: Mapping[str, Secret], seen: Collection[tuple[str, str]]) -> list[str]:
    """Return the secrets that were found and where, as "NAME in PLACE".

    Args:
        secrets: by a name that may be shown.
        seen: texts with their places.
    """
    texts = {(place, text): variants(text) for place, text in set(seen) if text}
    everything = "\n".join(version for versions in texts.values() for version in versions)
    return sorted(
        {
            f"{name} in {place}"
            for name, secret in secrets.items()
            for spelled in [_worth_a_look(secret, everything)]
            if spelled
            for (place, _), versions in texts.items()
            if any(each in version for version in versions for each in spelled)
        }
    )


def _worth_a_look(secret: Secret, everything: str) -> set[str]:
    """Return the secret's spellings if any of them may stand in the text, else nothing."""
    return spellings(secret) if everything and any(probe in everything for probe in probes(secret)) else set()


def probes(secret: Secret) -> set[str]:
    """Return a few short texts, at least one of which stands in each spelling.

    Most spellings keep letters and digits; Base64 (by where a group begins) and hexadecimal have their own probes.
    """
    data = secret.reveal().encode(errors="surrogatepass")
    whole = base64.b64encode(data).decode()
    coded = [piece if len(piece) >= _SHORTEST else whole for piece in _pieces(data)]
    found = {_row(secret.reveal()), *(_row(piece) for piece in coded), data.hex(), data.hex().upper()}
    return found if min(map(len, found)) >= _PROBE else spellings(secret)


def _pieces(data: bytes) -> Iterator[str]:
    """Yield the Base64 text that does not depend on the neighbours, for each start within a group of three bytes."""
    for before, touched in ((0, 0), (1, 2), (2, 3)):  # bytes of a group that belong to what comes first
        whole = (before + len(data)) // 3 * 4
        yield base64.b64encode(b"\0" * before + data).decode()[touched:whole]


def _row(text: str) -> str:
    """Return the longest row of letters and digits."""
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")
