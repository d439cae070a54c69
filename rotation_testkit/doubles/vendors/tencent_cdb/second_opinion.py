"""A second reading of what Tencent says about passwords of TencentDB (ModifyAccountPassword, parameter NewPassword)."""

from __future__ import annotations

import re

_CHARACTERS = re.compile(r"[A-Za-z0-9_+\-&=!@#$%^*()]*")


def mysql(text: str, username: str, previous: str) -> bool:
    """密码应至少包含字母、数字和字符（_+-&=!@#$%^*()）中的两种，长度为8-64个字符."""
    del username, previous
    letters = re.search(r"[a-zA-Z]", text) is not None
    numbers = re.search(r"[0-9]", text) is not None
    others = re.search(r"[^a-zA-Z0-9]", text) is not None
    return 8 <= len(text) <= 64 and letters + numbers + others >= 2 and _CHARACTERS.fullmatch(text) is not None


SECOND_OPINIONS = {"mysql": mysql}
