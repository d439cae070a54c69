"""A second validator of vendor passwords, written from the vendors' sentences and from nothing else.

It shares no code and no data with ``rotation.policy``, so the two cannot agree by sharing a mistake. Each product's
``doubles/vendors/<code>/second_opinion.py`` has ``SECOND_OPINIONS``: for each variant a function that quotes the
sentence which it reads, and says yes or no.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import cast

from rotation_testkit.doubles import vendors

Opinion = Callable[[str, str, str], bool]
"""Whether a text may be the password of a user name after a previous password."""


def kinds(text: str) -> int:
    """Count how many of upper case, lower case, digit and special occur."""
    return (
        any(char in ascii_uppercase for char in text)
        + any(char in ascii_lowercase for char in text)
        + any(char in digits for char in text)
        + any(char not in ascii_letters + digits for char in text)
    )


def second_opinions(code: str) -> Mapping[str, Opinion]:
    """Return a product's second opinions by variant."""
    module = importlib.import_module(f"{vendors.__name__}.{code}.second_opinion")
    return cast("Mapping[str, Opinion]", module.SECOND_OPINIONS)


def second_opinion(code: str, variant: str, text: str, *, username: str = "", previous: str = "") -> bool:
    """Return whether the vendor's sentence, read by hand, accepts ``text``.

    Raises:
        KeyError: the sentence of that variant is not recorded.
    """
    return second_opinions(code)[variant](text, username, previous)
