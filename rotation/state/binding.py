"""A secret's binding: which account the secret may rotate and where its logins go, kept outside of its value.

A writer of the value may not write the binding: in AWS it is a tag of the secret (``TagResource`` is another right
than ``PutSecretValue``), in KV custom metadata. ``lockstep enroll`` writes it, ``engine.identity.admission`` compares
it.

It is one text of at most 256 characters, of those that AWS allows in a tag::

    1 ucloud_compshare 9f86d081884c7d659a2feaa0c55ad015 - a1b2c3d4e5f60718293a4b5c6d7e8f90 cn-wlcb-01/uhost-1/root
    │ │                │                                │ │                                └ a note for humans
    │ │                │                                │ └ the host's key or certificate; - if none is known yet
    │ │                │                                └ where logins go: address and ports; - for the defaults
    │ │                └ the account
    │ └ the driver
    └ the format

Account, place and pin are digests, and the note is never compared. A batch has one binding over its sorted members, and
so have two accounts that take turns, whichever of them is current.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rotation.core.errors import BindingMismatch

NONE = "-"
"""Stands for a place or a pin of which nothing is stated."""
_FORMAT = "1"
_MOST = 256
_DIGEST = "[0-9a-f]{32}"
_TEXT = re.compile(
    rf"{_FORMAT} ([a-z][a-z0-9_]{{1,30}}) ({_DIGEST}) ({_DIGEST}|-) ({_DIGEST}|-) ([A-Za-z0-9 +\-=._:/@]{{0,256}})"
)
_NOT_FOR_TAGS = re.compile(r"[^A-Za-z0-9 +\-=._:/@]")


class BindingMode(StrEnum):
    """What a deployment demands of the secrets of one driver. A binding that is there holds in every mode."""

    REQUIRED = "required"
    """A secret without a binding is not rotated."""
    PIN = "pin"
    """The first proved rotation of a secret without a binding writes one."""
    OFF = "off"
    """A secret needs no binding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a secret is bound to.

    Attributes:
        account: digest of what identifies the account.
        place: digest of the address and ports of logins that a value may choose, ``NONE`` for the defaults.
        pin: digest of the host's key or certificate, ``NONE`` if none is stated.
        note: the account in words, for humans only.
    """

    driver: str
    account: str
    place: str = NONE
    pin: str = NONE
    note: str = ""

    def text(self) -> str:
        """Return the text form; characters of the note that a tag does not take become ``_``."""
        head = f"{_FORMAT} {self.driver} {self.account} {self.place} {self.pin} "
        return head + _NOT_FOR_TAGS.sub("_", self.note)[: _MOST - len(head)]

    @classmethod
    def parse(cls, text: str) -> Binding:
        """Read the text form. Raise ``BindingMismatch`` if it is none."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise BindingMismatch("the secret's binding cannot be read")
        driver, account, place, pin, note = match.groups()
        return cls(driver=driver, account=account, place=place, pin=pin, note=note)


def digest(values: Mapping[str, object] | Sequence[object]) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of the values' canonical JSON, ``NONE`` for no values."""
    if not values:
        return NONE
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def of_batch(members: Sequence[Binding]) -> Binding:
    """Return the one binding of a batch. It has a pin where every member has one; that of one account is its own."""
    if len(members) == 1:
        return members[0]
    members = sorted(members, key=lambda each: each.account)
    places = [(each.account, each.place) for each in members if each.place != NONE]
    pins = [(each.account, each.pin) for each in members]
    return Binding(
        driver=members[0].driver,
        account=digest([each.account for each in members]),
        place=digest(places),
        pin=NONE if NONE in {each.pin for each in members} else digest(pins),
        note=f"{len(members)} accounts: {' '.join(each.note for each in members)}",
    )


def in_turn(one: Binding, other: Binding) -> Binding:
    """Return the one binding of two accounts that take turns. They share where their logins go, and the host's pin."""
    pair = sorted((one, other), key=lambda each: each.account)
    account = digest({"in_turn": [each.account for each in pair]})
    return replace(one, account=account, note=" and ".join(each.note for each in pair))
