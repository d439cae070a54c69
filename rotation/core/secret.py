"""``Secret``: a password or key that cannot be shown by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "[secret]"


class Secret:
    """A password or key; only ``reveal()`` returns its value.

    ``str``, ``repr`` and formatting show a mask. Pickling, copying and JSON fail. Comparing takes constant time.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a Secret holds text")
        self.__value = value

    def reveal(self) -> str:
        """Return the value. Call this only where the value leaves the process."""
        return self.__value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # surrogatepass: an encoding error would hold the value.
        mine, theirs = (each.encode(errors="surrogatepass") for each in (self.__value, other.__value))
        return hmac.compare_digest(mine, theirs)

    __hash__ = None  # type: ignore[assignment]  # the time of a dict look-up would reveal whether two are equal

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Secret cannot be copied or serialised")

    __reduce__ = _refuse
    __reduce_ex__ = _refuse
    __getstate__ = _refuse
