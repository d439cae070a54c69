"""``Secret``: a value that cannot be read by accident. ``SecretDocument``: the JSON object that a store holds."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Iterator, Mapping
from typing import NoReturn

from rotation.core.errors import SecretDocumentError

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


class SecretDocument(Mapping[str, object]):
    """The account document: a JSON object whose unknown keys and key order survive.

    Values are read by key like any mapping; ``password`` gives the password as a ``Secret``. ``repr`` names keys only.
    """

    __slots__ = ("__fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.__fields = dict(fields)

    @classmethod
    def parse(cls, text: str) -> SecretDocument:
        """Parse a store's text.

        Raises:
            SecretDocumentError: not JSON in UTF-8, no object, a key that stands there twice, a number that JSON lacks.
        """
        value = _parsed(text)
        if value is _NOT_JSON:
            raise SecretDocumentError("the secret's value is not valid JSON")
        if not isinstance(value, dict):
            raise SecretDocumentError("the secret's value is JSON, but no object")
        return cls(value)

    def text(self, key: str) -> str:
        """Return a non-empty string field.

        Raises:
            SecretDocumentError: the key is missing, empty or no text.
        """
        value = self.__fields.get(key)
        if not isinstance(value, str) or not value:
            raise SecretDocumentError(f"the secret lacks the text key {key!r}")
        return value

    @property
    def password(self) -> Secret:
        """The password.

        Raises:
            SecretDocumentError: there is none.
        """
        return Secret(self.text("password"))

    def replaced(self, **changes: object) -> SecretDocument:
        """Return a copy with some keys replaced in place; new keys go to the end."""
        return SecretDocument({**self.__fields, **changes})

    def dump(self) -> Secret:
        """Return the JSON text to store."""
        return Secret(_WRITER.encode(self.__fields))

    def __getitem__(self, key: str) -> object:
        return self.__fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__fields)

    def __len__(self) -> int:
        return len(self.__fields)

    def __repr__(self) -> str:
        return f"SecretDocument(keys={list(self.__fields)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretDocument is neither copied nor serialised")


_NOT_JSON = object()


def _parsed(text: str) -> object:
    """Return the value or ``_NOT_JSON``: whoever raises in here would hang json's error, with the text, on his own."""
    try:
        value: object = _READER.decode(text)
        # A lone surrogate, which JSON can spell by its escape alone, could not be stored.
        (_WRITER.encode(value) if "\\u" in text else text).encode()
    except (ValueError, RecursionError):
        return _NOT_JSON
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _not_a_number(text)
    return number


def _not_a_number(_: str) -> NoReturn:
    raise SecretDocumentError("the secret's value holds a number that JSON has no notation for")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise SecretDocumentError("a key stands twice in the secret's value")
    return fields


# json.loads and json.dumps make new ones for each call, which takes longer than a document.
_READER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=_finite, parse_constant=_not_a_number)
_WRITER = json.JSONEncoder(ensure_ascii=False)
