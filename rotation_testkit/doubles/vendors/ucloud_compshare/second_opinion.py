"""A second reading of what UCloud says about the passwords of instances."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9()`~!@#$%^&*\-+=_|{}\[\]:;'<>,.?/]*")


def container(text: str, username: str, previous: str) -> bool:
    """长度 8~32 个字符，至少包含大写字母、小写字母、数字、特殊字符中的 2 种，仅允许 [A-Z] [a-z] [0-9] 及 ()`~!@#…."""
    del username, previous
    return 8 <= len(text) <= 32 and kinds(text) >= 2 and _CHARACTERS.fullmatch(text) is not None


def linux(text: str, username: str, previous: str) -> bool:
    """8-30 characters; two or more of four kinds; the same characters (specification.md)."""
    return container(text, username, previous) and len(text) <= 30


def windows(text: str, username: str, previous: str) -> bool:
    """8-30 characters; three of four kinds; no more than 2 consecutive characters of "adminstrator" [sic]."""
    if not linux(text, username, previous) or kinds(text) < 3:
        return False
    low = text.lower()
    threes = {low[start : start + 3] for start in range(len(low) - 2)}
    return not any(three in word for three in threes for word in ("administrator", "adminstrator"))


SECOND_OPINIONS: dict[str, Opinion] = {"container": container, "linux": linux, "windows": windows}
