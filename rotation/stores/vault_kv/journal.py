"""The journal: an entry beside the secret with what a rotation must remember, as JSON that an operator can read.

It holds the candidates with their labels, and which run may act at the vendor now. Since it is one entry, an operation
changes it completely or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreError
from rotation.core.secret import Secret

JOURNAL_SUFFIX = ".lockstep"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """A version of the secret itself: its number and when it was written."""

    number: int
    created: str


@dataclass(slots=True)
class Record:
    """What is remembered about one version of the secret.

    Attributes:
        labels: stages and marks; which version is current and previous is seen on the secret itself.
        value: the candidate's text; ``None`` before it is made, and after it has become the secret's value.
        created: epoch seconds of the value.
        stamp: the version of the secret that it became.
    """

    labels: set[str] = field(default_factory=set)
    value: Secret | None = None
    created: float = 0.0
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The run that may act at the vendor, its version, and the epoch until which no other run acts."""

    token: str
    holder: str
    until: int


@dataclass(slots=True)
class Journal:
    """The records by version id, and the lease."""

    records: dict[str, Record] = field(default_factory=dict)
    lease: Lease | None = None

    @classmethod
    def parse(cls, document: SecretDocument | None) -> Journal:
        """Read a journal; ``None`` is an empty one.

        Raises:
            StoreError: it was not written by this version of Lockstep.
        """
        if document is None:
            return cls()
        try:
            if document["format"] != _FORMAT:
                raise ValueError  # noqa: TRY301 - answered below like every other fault
            records = {str(key): _record(value) for key, value in _mapping(document["versions"]).items()}
            lease = document["lease"]
            parsed = cls(records, None if lease is None else _lease(lease))
        except (KeyError, TypeError, ValueError):
            parsed = None
        if parsed is None:
            raise StoreError(
                "the journal beside the secret is not readable",
                hint="A human or a newer Lockstep wrote the journal. Look at its versions: they may hold the live "
                "password.",
            )
        return parsed

    def dump(self) -> SecretDocument:
        """Return the fields to write."""
        lease = self.lease
        return SecretDocument(
            {
                "format": _FORMAT,
                "versions": {key: _fields(record) for key, record in self.records.items()},
                "lease": None
                if lease is None
                else {"token": lease.token, "holder": lease.holder, "until": lease.until},
            }
        )


def _fields(record: Record) -> dict[str, object]:
    fields: dict[str, object] = {"labels": sorted(record.labels)}
    if record.value is not None:
        fields |= {"value": record.value.reveal(), "created": record.created}
    if record.stamp is not None:
        fields |= {"version": record.stamp.number, "written": record.stamp.created}
    return fields


def _record(value: object) -> Record:
    fields = _mapping(value)
    labels = fields["labels"]
    if not isinstance(labels, list):
        raise TypeError
    text = fields.get("value")
    return Record(
        labels={_text(label) for label in labels},
        value=None if text is None else Secret(_text(text)),
        created=float(_number(fields.get("created", 0))),
        stamp=Stamp(int(_number(fields["version"])), _text(fields["written"])) if "version" in fields else None,
    )


def _lease(value: object) -> Lease:
    fields = _mapping(value)
    return Lease(_text(fields["token"]), _text(fields["holder"]), int(_number(fields["until"])))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value
