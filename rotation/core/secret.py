"""``Secret``: a value that cannot be read by accident. ``SecretDocument``: the JSON object that a store holds."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "[secret]"


class Secret:
    """A password or key. ``reveal()`` is the only way out.

    ``str``, ``repr`` and formatting show a mask; pickling, copying and JSON refuse; equality takes constant time.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a Secret holds text")
        self.__value = value

    def reveal(self) -> str:
        """Return the value. Call it only where the value leaves the process."""
        return self.__value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # surrogatepass: an encoding error would carry the value.
        mine, theirs = (each.encode(errors="surrogatepass") for each in (self.__value, other.__value))
        return hmac.compare_digest(mine, theirs)

    __hash__ = None  # type: ignore[assignment]  # a hash would let equality leak through dict timing

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Secret is neither copied nor serialised")

    __reduce__ = _refuse
    __reduce_ex__ = _refuse
    __copy__ = _refuse
    __deepcopy__ = _refuse
    __getstate__ = _refuse
    __iter__ = _refuse
