# ruff: noqa: PLR2004, RUF002 - numbers and punctuation stand as in the vendors' sentences
"""A second validator of vendor passwords, written from the vendors' sentences and from nothing else.

It shares no code and no data with ``rotation.policy``, so the two cannot agree by sharing a mistake. Each function
quotes the sentence that it reads and says yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

_UCLOUD = re.compile(r"[A-Za-z0-9()`~!@#$%^&*\-+=_|{}\[\]:;'<>,.?/]*")
_TENCENT_2019 = re.compile(r"[a-zA-Z0-9()~!@#$%^&*\-+=_{}\[\]:;'|<>,.?/]*")
_TENCENT_2018 = re.compile(r"[a-zA-Z0-9!@#$%&^*()]*")
_VOLCENGINE = re.compile(r"[a-zA-Z0-9!#$%^*()@\-_+=?]*")
_HUAWEI_ES = re.compile(r"[a-zA-Z0-9`~!@#$%^&*()\-_=+\\|\[{}\];:,'<.>/?]*")


def _kinds(text: str) -> int:
    """Count how many of upper case, lower case, digit and special occur."""
    return (
        any(char in ascii_uppercase for char in text)
        + any(char in ascii_lowercase for char in text)
        + any(char in digits for char in text)
        + any(char not in ascii_letters + digits for char in text)
    )


def ucloud_container(text: str, username: str, previous: str) -> bool:
    """长度 8~32 个字符，至少包含大写字母、小写字母、数字、特殊字符中的 2 种，仅允许 [A-Z] [a-z] [0-9] 及 ()`~!@#…."""
    del username, previous
    return 8 <= len(text) <= 32 and _kinds(text) >= 2 and _UCLOUD.fullmatch(text) is not None


def ucloud_linux(text: str, username: str, previous: str) -> bool:
    """8-30 characters; two or more of four kinds; the same characters (specification.md)."""
    return ucloud_container(text, username, previous) and len(text) <= 30


def ucloud_windows(text: str, username: str, previous: str) -> bool:
    """8-30 characters; three of four kinds; no more than 2 consecutive characters of "adminstrator" [sic]."""
    if not ucloud_linux(text, username, previous) or _kinds(text) < 3:
        return False
    low = text.lower()
    threes = {low[start : start + 3] for start in range(len(low) - 2)}
    return not any(three in word for three in threes for word in ("administrator", "adminstrator"))


def tencent_linux(text: str, username: str, previous: str) -> bool:
    """Linux 机器密码需8到16位，至少包括两项[a-z,A-Z],[0-9]和特殊符号.

    Only the specials that the pages of 2018 and 2019 share, and no @ in front.
    """
    del username, previous
    letters = re.search(r"[a-zA-Z]", text) is not None
    numbers = re.search(r"[0-9]", text) is not None
    others = re.search(r"[^a-zA-Z0-9]", text) is not None
    return 8 <= len(text) <= 16 and letters + numbers + others >= 2 and _tencent_characters(text)


def tencent_windows(text: str, username: str, previous: str) -> bool:
    """Windows 机器密码需12到16位，至少包括三项…，密码不能包含 Administrator(不区分大小写)."""
    del username, previous
    plain = "administrator" not in text.lower()
    return 12 <= len(text) <= 16 and _kinds(text) >= 3 and plain and _tencent_characters(text)


def _tencent_characters(text: str) -> bool:
    both = _TENCENT_2019.fullmatch(text) and _TENCENT_2018.fullmatch(text)
    return bool(both) and not text.startswith("@")


def volcengine(text: str, username: str, previous: str) -> bool:
    """密码长度8-32位字符，包含大写字母、小写字母、数字和特殊符号至少3种.

    Which specials it takes is unknown: the common ones, and the doubtful among them not in front.
    """
    del username, previous
    known = _VOLCENGINE.fullmatch(text) is not None
    return 8 <= len(text) <= 32 and _kinds(text) >= 3 and known and text[0] not in "@-_+=?"


def huawei(text: str, username: str, previous: str) -> bool:
    """Strictest of the editions.

    De 8 a 32 caracteres; al menos dos de minúsculas, mayúsculas, números y especiales; no puede incluir tres ni más
    caracteres repetidos seguidos; 不能包含用户名或倒序的用户名; 最少不相同字符数为2个 (places and distinct characters).
    """
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name in low[::-1])
    tripled = any(text[at] == text[at + 1] == text[at + 2] for at in range(len(text) - 2))
    fits = 8 <= len(text) <= 32 and _kinds(text) >= 2 and _HUAWEI_ES.fullmatch(text) is not None
    return fits and not named and not tripled and (not previous or _huawei_distance(text, previous))


def _huawei_distance(text: str, previous: str) -> bool:
    longest = max(len(text), len(previous))
    places = sum(text[at : at + 1] != previous[at : at + 1] for at in range(longest))
    return places >= 2 and len({char for char in text if char not in previous}) >= 2


SECOND_OPINIONS: dict[tuple[str, str], Callable[[str, str, str], bool]] = {
    ("ucloud_compshare", "container"): ucloud_container,
    ("ucloud_compshare", "linux"): ucloud_linux,
    ("ucloud_compshare", "windows"): ucloud_windows,
    ("tencent_bm", "linux"): tencent_linux,
    ("tencent_bm", "windows"): tencent_windows,
    ("volcengine_cloudidentity", "default"): volcengine,
    ("huawei_meeting", "default"): huawei,
}


def second_opinion(code: str, variant: str, text: str, *, username: str = "", previous: str = "") -> bool:
    """Return whether the vendor's sentence, read by hand, accepts ``text``.

    Raises:
        KeyError: the sentence of that driver and variant is not recorded here.
    """
    return SECOND_OPINIONS[code, variant](text, username, previous)
