"""A second reading of what Tencent says about the passwords of bare-metal devices."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS_2019 = re.compile(r"[a-zA-Z0-9()~!@#$%^&*\-+=_{}\[\]:;'|<>,.?/]*")
_CHARACTERS_2018 = re.compile(r"[a-zA-Z0-9!@#$%&^*()]*")


def linux(text: str, username: str, previous: str) -> bool:
    """Linux 机器密码需8到16位，至少包括两项[a-z,A-Z],[0-9]和特殊符号.

    Only the specials that the pages of 2018 and 2019 share, and no @ in front.
    """
    del username, previous
    letters = re.search(r"[a-zA-Z]", text) is not None
    numbers = re.search(r"[0-9]", text) is not None
    others = re.search(r"[^a-zA-Z0-9]", text) is not None
    return 8 <= len(text) <= 16 and letters + numbers + others >= 2 and _characters(text)


def windows(text: str, username: str, previous: str) -> bool:
    """Windows 机器密码需12到16位，至少包括三项…，密码不能包含 Administrator(不区分大小写)."""
    del username, previous
    plain = "administrator" not in text.lower()
    return 12 <= len(text) <= 16 and kinds(text) >= 3 and plain and _characters(text)


def _characters(text: str) -> bool:
    both = _CHARACTERS_2019.fullmatch(text) and _CHARACTERS_2018.fullmatch(text)
    return bool(both) and not text.startswith("@")


SECOND_OPINIONS: dict[str, Opinion] = {"linux": linux, "windows": windows}
