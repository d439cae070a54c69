"""A second reading of what Huawei says about the passwords of IAM users, and of Lockstep's own margin."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9!@#%^*_+?,~-]*")


def user(text: str, username: str, previous: str) -> bool:
    """Can contain 6 to 32 characters; at least two of the four character types; not the username or it backwards.

    Lockstep asks for three types and for its own special characters, and leaves the username out altogether.
    """
    del previous
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name[::-1] in low)
    sound = 6 <= len(text) <= 32 and kinds(text) >= 3 and _CHARACTERS.fullmatch(text) is not None
    return sound and not named


SECOND_OPINIONS: dict[str, Opinion] = {"default": user}
