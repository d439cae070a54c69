"""A second reading of what Volcengine says about the passwords of users."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[a-zA-Z0-9!#$%^*()@\-_+=?]*")


def user(text: str, username: str, previous: str) -> bool:
    """密码长度8-32位字符，包含大写字母、小写字母、数字和特殊符号至少3种.

    Which specials it takes is unknown: the common ones, and the doubtful among them not in front.
    """
    del username, previous
    known = _CHARACTERS.fullmatch(text) is not None
    return 8 <= len(text) <= 32 and kinds(text) >= 3 and known and text[0] not in "@-_+=?"


SECOND_OPINIONS: dict[str, Opinion] = {"default": user}
