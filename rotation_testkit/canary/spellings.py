"""Every form in which a secret could stand in a text, and a quick search for many secrets in much text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote_plus

from rotation.core.secret import Secret
from rotation_testkit.conformance.driver_harness import forms

_SHORTEST = 6
"""A shorter piece of Base64 would be found by chance."""
_PROBE = 4
"""Letters and digits in a row that every form keeps; fewer would stand in any text."""


def spellings(secret: Secret) -> set[str]:
    """Return every form of a value: those of ``forms``, escaped twice, and in the middle of something in Base64."""
    raw = secret.reveal()
    data = raw.encode(errors="surrogatepass")
    # Without backslashes: for texts that were escaped many times, which are compared without theirs.
    found = forms(secret) | {json.dumps(json.dumps(raw))[3:-3], repr(data)[2:-1], raw.replace("\\", "")}
    for piece in _pieces(data):
        found |= {piece, piece.replace("+", "-").replace("/", "_")} if len(piece) >= _SHORTEST else set()
    return found


def variants(text: str) -> set[str]:
    """Return a text as it stands, without its URL-encoding, and without its backslashes."""
    return {text, unquote_plus(text), text.replace("\\", "")}


def find(secrets: Mapping[str, Secret], seen: Collection[tuple[str, str]]) -> list[str]:
    """Return which secret stands in which place, as "NAME in PLACE".

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
    """Return the secret's spellings if any of them may be in there."""
    return spellings(secret) if everything and any(probe in everything for probe in probes(secret)) else set()


def probes(secret: Secret) -> set[str]:
    """Return a few short texts of which each spelling holds one: letters and digits stay what they are in most.

    They differ in Base64, by where a group begins, and as hexadecimal digits.
    """
    data = secret.reveal().encode(errors="surrogatepass")
    whole = base64.b64encode(data).decode()
    coded = [piece if len(piece) >= _SHORTEST else whole for piece in _pieces(data)]
    found = {_row(secret.reveal()), *(_row(piece) for piece in coded), data.hex(), data.hex().upper()}
    return found if min(map(len, found)) >= _PROBE else spellings(secret)


def _pieces(data: bytes) -> Iterator[str]:
    """Yield what is in Base64 all the same wherever the data begin in a group of three bytes."""
    for before, touched in ((0, 0), (1, 2), (2, 3)):  # bytes of a group that belong to what comes first
        whole = (before + len(data)) // 3 * 4
        yield base64.b64encode(b"\0" * before + data).decode()[touched:whole]


def _row(text: str) -> str:
    """Return the longest row of letters and digits."""
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")
