"""A second reading of what Huawei says about the passwords of meeting accounts."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS_ES = re.compile(r"[a-zA-Z0-9`~!@#$%^&*()\-_=+\\|\[{}\];:,'<.>/?]*")


def account(text: str, username: str, previous: str) -> bool:
    """Strictest of the editions.

    De 8 a 32 caracteres; al menos dos de minúsculas, mayúsculas, números y especiales; no puede incluir tres ni más
    caracteres repetidos seguidos; 不能包含用户名或倒序的用户名; 最少不相同字符数为2个 (places and distinct characters).
    """
    low, name = text.lower(), username.lower()
    named = bool(name) and (name in low or name in low[::-1])
    tripled = any(text[at] == text[at + 1] == text[at + 2] for at in range(len(text) - 2))
    fits = 8 <= len(text) <= 32 and kinds(text) >= 2 and _CHARACTERS_ES.fullmatch(text) is not None
    return fits and not named and not tripled and (not previous or _distance(text, previous))


def _distance(text: str, previous: str) -> bool:
    longest = max(len(text), len(previous))
    places = sum(text[at : at + 1] != previous[at : at + 1] for at in range(longest))
    return places >= 2 and len({char for char in text if char not in previous}) >= 2


SECOND_OPINIONS: dict[str, Opinion] = {"default": account}
