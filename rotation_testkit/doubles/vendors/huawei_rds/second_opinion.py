"""A second reading of what Huawei says about the passwords of RDS accounts."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9~!@#%^*_+?,-]*")


def account(text: str, username: str, previous: str) -> bool:
    """长度8~32个字符，至少包含大写字母、小写字母、数字和特殊符号中的三种，不能包含数据库账号名称或名称的逆序.

    Of the special characters those that all editions have.
    """
    del previous
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name[::-1] in low)
    return 8 <= len(text) <= 32 and kinds(text) >= 3 and _CHARACTERS.fullmatch(text) is not None and not named


SECOND_OPINIONS: dict[str, Opinion] = {"mysql": account, "postgresql": account}
