"""The secret document: one account as a JSON object, two that take turns, or a batch of accounts in a list.

One account: ``{"driver": "ucloud_compshare", "username": "root", "password": …, …the driver's keys…}``.
A batch holds what its accounts share at the top, and a list with what differs:
``{"driver": …, "username": "root", "devices": [{"instance_id": "a", "password": …}, {"instance_id": "b", …}]}``.
Two accounts that take turns: the second one has its keys, but no password, behind ``alternate_``:
``{"driver": …, "username": "app-a", "alternate_username": "app-b", "password": …}``; see ``engine.identity.turns``.
A rotation changes two keys of an account, ``password`` and ``lockstep``. Every other key stays as it is, and a number
keeps the text that it was written with. ``lockstep`` is one text, such as ``power=running``, since many readers of a
secret take only flat documents; without anything to note the key is absent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import NoReturn, Self
from urllib.parse import quote, unquote

from rotation.core.errors import SecretDocumentError, StageConflict, Withheld
from rotation.core.secret import Secret
from rotation.core.values import Power

PASSWORD, NOTES = "password", "lockstep"
"""The keys of an account that a rotation changes."""

ALTERNATE = "alternate_"
"""Stands before the keys of the second of two accounts that take turns."""
_NAMES = ("username", f"{ALTERNATE}username")
_OF_THE_DOCUMENT = ("driver", PASSWORD, NOTES)

_BYTE_ORDER_MARK = "\ufeff"
_NO_MARK = "An editor or PowerShell wrote it. Put the value again as UTF-8 without a byte order mark."


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What later steps and rotations need and cannot look up any more, stored as one text under the key ``lockstep``.

    The text has one word for each note, such as ``power=running host_key=ssh-ed25519%20AAAA seal=1:5f0c``.

    Attributes:
        power: the state in which createSecret found the machine; ``None`` where there is none.
        host_key: the SSH host's public key, as the first rotation learnt it. It is trusted as much as the document.
        seal: what shows that Lockstep made this version, where the store keeps seals.
        left_out: in a batch's candidate, why createSecret made no new password for the account: the error's code.
    """

    power: Power | None = None
    host_key: str | None = None
    seal: str | None = None
    left_out: str | None = None

    @classmethod
    def read(cls, kept: object) -> Notes:
        """Return the notes from the value of a document's ``lockstep`` key; what is of an unknown form is left out.

        An earlier release wrote an object.
        """
        found: Mapping[str, object] = kept if isinstance(kept, dict) else {}
        if isinstance(kept, str):
            words = (word.partition("=") for word in kept.split(" "))
            found = {name: unquote(value) for name, _, value in words}
        power = next((each for each in Power if each == found.get("power")), None)
        texts = {name: found.get(name) or None for name in ("host_key", "seal", "left_out")}
        return cls(power=power, **{name: each for name, each in texts.items() if isinstance(each, str)})

    def text(self) -> str:
        """Return the value to store under the document's ``lockstep`` key; empty when there is nothing to note."""
        noted = ((each.name, getattr(self, each.name)) for each in fields(self))
        return " ".join(f"{name}={quote(value, safe=':/+=@,')}" for name, value in noted if value)


class SecretDocument(Mapping[str, object]):
    """The account document: a JSON object whose unknown keys and key order survive.

    Values are read by key as in any mapping. Every password, those of a batch included, is a ``Secret``; only ``dump``
    reveals it. ``repr`` names the keys and no value.
    """

    __slots__ = ("__fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.__fields = {key: _guarded(key, value) for key, value in fields.items()}

    @classmethod
    def parse(cls, text: str) -> SecretDocument:
        """Parse the text that a store holds.

        Raises:
            SecretDocumentError: it is not JSON in UTF-8 or not an object, a key occurs twice, or a number such as NaN
                is not valid in JSON.
        """
        if text.startswith(_BYTE_ORDER_MARK):
            raise SecretDocumentError("the secret's value begins with a byte order mark", hint=_NO_MARK)
        with Withheld(
            ValueError, RecursionError, by=lambda _: SecretDocumentError("the secret's value is not valid JSON")
        ):
            value: object = json.loads(
                text,
                object_pairs_hook=_no_duplicates,
                parse_int=_whole,
                parse_float=_Number,
                parse_constant=_not_a_number,
            )
            # A lone surrogate can be written as a JSON escape, but not be stored; nor what is nested too deep.
            _written(value).encode()
        if not isinstance(value, dict):
            raise SecretDocumentError("the secret's value is JSON, but not an object")
        return cls(value)

    def text(self, key: str) -> str:
        """Return a text field."""
        value = self.__fields.get(key)
        if not isinstance(value, str) or not value:
            raise SecretDocumentError(f"the secret lacks the text key {key!r}")
        return value

    @property
    def password(self) -> Secret:
        """The account's password."""
        value = self.__fields.get(PASSWORD)
        if not isinstance(value, Secret) or not value:
            lists = [key for key, each in self.__fields.items() if isinstance(each, list | dict) and key != NOTES]
            no_list = f", and {lists[0]!r} is no list of accounts with one each" if lists else ""
            raise SecretDocumentError(f"the secret lacks the text key {PASSWORD!r}{no_list}")
        return value

    @property
    def notes(self) -> Notes:
        """What an earlier step or rotation noted; a note of an unknown form counts as none."""
        return Notes.read(self.__fields.get(NOTES))

    def noting(self, notes: Notes) -> SecretDocument:
        """Return a copy with these notes in place of the earlier ones."""
        return SecretDocument(_with_own(self.__fields, {NOTES: notes.text()} if notes.text() else {}, (NOTES,)))

    def replaced(self, **changes: object) -> SecretDocument:
        """Return a copy with some values replaced; keys keep their order and new ones go to the end."""
        return SecretDocument({**self.__fields, **changes})

    def dump(self) -> Secret:
        """Return the JSON text to store."""
        return Secret(_written(self.__fields))

    def __getitem__(self, key: str) -> object:
        return self.__fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__fields)

    def __len__(self) -> int:
        return len(self.__fields)

    def __repr__(self) -> str:
        return f"SecretDocument(keys={list(self.__fields)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretDocument cannot be copied or serialised")


def _guarded(key: str, value: object) -> object:
    """Return a field's value with its password, or the passwords in its list, as ``Secret``."""
    if isinstance(value, list):
        return [
            {name: _guarded(name, each) for name, each in entry.items()} if isinstance(entry, dict) else entry
            for entry in value
        ]
    return Secret(value) if key == PASSWORD and isinstance(value, str) else value


class _Number(float):
    """A number that keeps the text that it was read from, such as ``1e3`` or ``-0``."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            _not_a_number(text)
        number.text = text
        return number


def _whole(text: str) -> int | float:
    """Return an integer's value, which keeps its text unless it is ``-0``."""
    return _Number(text) if text == "-0" else int(text)


def _not_a_number(_: str) -> NoReturn:
    raise SecretDocumentError("the secret's value holds a number that is not valid in JSON")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise SecretDocumentError("a key occurs twice in the secret's value")
    return fields


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _written(value: object) -> str:
    """Return a value's JSON text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(str(key))}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, _Number):
        return value.text
    return _encode(value.reveal() if isinstance(value, Secret) else value)


def takes_turns(document: Mapping[str, object]) -> bool:
    """Return whether a document names two accounts, of which each rotation resets the one that is not current."""
    return f"{ALTERNATE}username" in document


def turned(document: SecretDocument) -> SecretDocument:
    """Return a document with its two accounts exchanged: every key that is there with ``alternate_`` and without.

    A document of one account is returned as it is. The password stays, and is not that of the account which comes first
    then: it is only fit to be replaced.
    """
    if not takes_turns(document):
        return document
    twice = [name for name in document if f"{ALTERNATE}{name}" in document and name not in _OF_THE_DOCUMENT]
    names = [name for name in twice if not name.startswith(ALTERNATE)]
    first = {name: document[f"{ALTERNATE}{name}"] for name in names}
    return document.replaced(**first, **{f"{ALTERNATE}{name}": document[name] for name in names})


def list_key(document: SecretDocument) -> str | None:
    """Return the key of the list of accounts; ``None`` for a document of one account."""
    if "password" in document:
        return None
    return next((key for key, value in document.items() if _holds_accounts(value)), None)


def size(document: SecretDocument) -> int:
    """Return how many accounts a document holds."""
    entries = document.get(list_key(document) or "")
    return len(entries) if isinstance(entries, list) else 1


def _holds_accounts(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "password" in each for each in value)


def documents(document: SecretDocument, key: str) -> list[SecretDocument]:
    """Return a document of one account for each entry of the list under ``key``; none if there is no list."""
    entries = document.get(key)
    if not isinstance(entries, list) or "password" in document:
        return []
    shared = {name: value for name, value in document.items() if name not in (key, NOTES)}
    found = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise SecretDocumentError(f"number {number} in {key!r} is not an object")
        if "driver" in entry:
            raise SecretDocumentError(f"number {number} in {key!r} names a driver; the accounts of a batch share one")
        if takes_turns({**shared, **entry}):
            raise SecretDocumentError(f"number {number} in {key!r} has alternate_username; in a batch none takes turns")
        found.append(SecretDocument({**shared, **entry}))
    return found


def merged(document: SecretDocument, key: str, prepared: list[SecretDocument]) -> SecretDocument:
    """Return the batch's document with each account's password and notes taken from its prepared document."""
    entries = document[key]
    if not isinstance(entries, list):
        raise SecretDocumentError(f"{key!r} is not a list")
    fresh = [_with_own(entry, one) for entry, one in zip(entries, prepared, strict=True)]
    return document.replaced(**{key: fresh}).noting(Notes())


def with_passwords_of(candidate: SecretDocument, current: SecretDocument) -> SecretDocument:
    """Return current's document with the candidate's password and notes, for every account of a batch.

    The accounts of a batch are matched by position, and two that take turns are exchanged. The engine has compared both
    documents before: they name the same accounts.

    Raises:
        StageConflict: only one of them is a batch, the lists differ in length, or it is another account's turn.
        SecretDocumentError: the candidate has no password.
    """
    key = list_key(candidate)
    if key != list_key(current):
        raise StageConflict("the candidate and the current version list their accounts differently")
    if key is None:
        _ = candidate.password
        current = turned(current)
        if takes_turns(candidate) and [candidate.get(name) for name in _NAMES] != [
            current.get(name) for name in _NAMES
        ]:
            raise StageConflict("the candidate is not of the account whose turn it is")
        return SecretDocument(_with_own(current, candidate))
    proved, there = candidate[key], current[key]
    if not isinstance(proved, list) or not isinstance(there, list) or len(proved) != len(there):
        raise StageConflict(f"the candidate and the current version hold different {key}")
    entries = [_with_own(now, new) for now, new in zip(there, proved, strict=True)]
    return SecretDocument(_with_own({**current, key: entries}, candidate))


def _with_own(
    fields: Mapping[str, object], source: Mapping[str, object], keys: tuple[str, ...] = (PASSWORD, NOTES)
) -> dict[str, object]:
    """Return fields with these keys as the source has them, which may be absent there."""
    taken = {name: source[name] for name in keys if name in source}
    kept = {name: value for name, value in fields.items() if name not in keys or name in taken}
    return {**kept, **taken}
