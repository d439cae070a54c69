"""A second reading of what Lockstep takes for a management controller's password where the device says nothing."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#%*+_=.-]*")


def account(text: str, username: str, previous: str) -> bool:
    """8 to 40 characters, one of each kind, no sign in front, no character thrice in a row, the name nowhere in it."""
    del previous
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name[::-1] in low)
    tripled = re.search(r"(.)\1\1", text) is not None
    fits = 8 <= len(text) <= 40 and kinds(text) == 4 and _CHARACTERS.fullmatch(text) is not None
    return fits and not named and not tripled


SECOND_OPINIONS: dict[str, Opinion] = {"default": account}
