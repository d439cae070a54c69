"""A second reading of what Tencent says about the passwords of CVM (ResetInstancesPassword, parameter Password)."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9()`~!@#$%^&*\-+=_|{}\[\]:;'<>,.?/]*")


def linux(text: str, username: str, previous: str) -> bool:
    """Linux 实例密码必须8-30位，不能以“/”开头，至少包含以下字符中的三种不同字符."""
    del username, previous
    return 8 <= len(text) <= 30 and kinds(text) >= 3 and not text.startswith("/") and bool(_CHARACTERS.fullmatch(text))


def windows(text: str, username: str, previous: str) -> bool:
    """Windows 实例密码必须12~30位，不能以“/”开头且不包括用户名，至少包含以下字符中的三种不同字符."""
    named = bool(username) and username.lower() in text.lower()
    return len(text) >= 12 and linux(text, username, previous) and not named


SECOND_OPINIONS = {"linux": linux, "windows": windows}
