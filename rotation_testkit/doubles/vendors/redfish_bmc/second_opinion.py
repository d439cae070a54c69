"""A second reading of what Lockstep takes for a management controller's password where the device says nothing."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9!#%*+_=.-]*")


def account(text: str, username: str, previous: str) -> bool:
    """8 to 40 characters, three of four kinds, the name nowhere in it."""
    del previous
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name[::-1] in low)
    fits = 8 <= len(text) <= 40 and kinds(text) >= 3 and _CHARACTERS.fullmatch(text) is not None
    return fits and not named


SECOND_OPINIONS: dict[str, Opinion] = {"default": account}
