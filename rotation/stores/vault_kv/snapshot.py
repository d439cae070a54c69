"""The secret and its journal as read at one moment, with the labels that follow from both.

KV has no staging labels. This module derives them, so that the engine sees the same as in Secrets Manager:

* AWSCURRENT sits on the secret's newest version, AWSPREVIOUS on the one before;
* AWSPENDING and all marks are lists in the journal, by version id;
* the journal's lease is shown as a label on the version that had it last; that version's intent says until when the
  lease is held.

The journal also gives the ids of the secret's versions. Example: the secret is at version 8, and the journal has the
record ``tok-1`` with the candidate's value and no stamp. If version 8 holds another value, another writer wrote it: its
id is ``kv-8``, and ``tok-1`` is pending. If it holds the candidate, the commit was made and the run died before it
could note that: the record gets version 8 as its stamp, and ``tok-1`` is current.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict, StoreFull
from rotation.core.secret import Secret
from rotation.state import lease
from rotation.state.label_quota import MOST_LABELS
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation.state.versions import SecretState, Version
from rotation.stores.vault_kv.journal import Journal, Record, Stamp
from rotation.stores.vault_kv.kv import Entry

BINDING_KEY = "lockstep-account"
"""The custom metadata with the secret's binding. Writing it takes a right on ``metadata/``, which no writer of values
needs."""
_PREFIX = "lockstep-"
_READER = json.JSONDecoder(parse_int=float)
_FOREIGN = re.compile(r"kv-([1-9][0-9]{0,9})")
_OFF = frozenset({"false", "off", "no", "0"})
TAKEN = lease.label(1)
"""How the journal's lease is shown as a label: it sits on the version that had it last."""


@dataclass(slots=True)
class Seen:
    """One look at a secret. Changes are made to ``journal`` in memory, and the caller writes it.

    Attributes:
        main: the secret's newest version.
        journal: as read, with the note above filled in.
        cas: the journal entry's version, 0 when there is none yet.
        found: the journal's fields as they are on the server.
    """

    main: Entry
    journal: Journal
    cas: int
    found: SecretDocument | None

    def __post_init__(self) -> None:
        if self._recorded(self.main.version, self.main.created) is None:
            for record in self.journal.records.values():
                if record.value is not None and same(record.value, self.main.document):
                    record.stamp = self._stamp
                    return

    @property
    def _stamp(self) -> Stamp:
        return Stamp(self.main.version, self.main.created)

    def _recorded(self, number: int, created: str | None = None) -> str | None:
        """Return the id of the record that became a version of the secret."""
        for key, record in self.journal.records.items():
            stamp = record.stamp
            if stamp is not None and stamp.number == number and created in (None, stamp.created):
                return key
        return None

    @property
    def current_id(self) -> str:
        """The version that readers get."""
        return self._recorded(self.main.version, self.main.created) or f"kv-{self.main.version}"

    @property
    def previous_id(self) -> str | None:
        """The version before; its value may be gone, by the entry's ``max_versions``."""
        before = self.main.version - 1
        return (self._recorded(before) or f"kv-{before}") if before else None

    @property
    def pending_id(self) -> str | None:
        """The version that carries the pending stage."""
        return next((key for key, record in self.journal.records.items() if PENDING in record.labels), None)

    @property
    def unfinished(self) -> str | None:
        """The token of a rotation that has begun and not ended."""
        return None if self.pending_id == self.current_id else self.pending_id

    def describe(self) -> SecretState:
        """See ``Store``."""
        labels = {key: set(record.labels) for key, record in self.journal.records.items()}
        labels.setdefault(self.current_id, set()).add(CURRENT)
        if self.previous_id is not None:
            labels.setdefault(self.previous_id, set()).add(PREVIOUS)
        enabled = self.main.custom.get("lockstep-enabled", "").strip().lower() not in _OFF
        versions = {key: Version.from_labels(key, each) for key, each in labels.items() if each}
        asked = {key: text for key, text in self.main.custom.items() if key.startswith(_PREFIX) and key != BINDING_KEY}
        return SecretState(enabled, versions, self.main.custom.get(BINDING_KEY) or None, asked)

    @property
    def is_late(self) -> bool:
        """Whether the secret was read from a server that lags behind the one that the journal was read from."""
        stamps = [record.stamp for record in self.journal.records.values() if record.stamp is not None]
        return any(stamp.number > self.main.version for stamp in stamps)

    def number(self, version_id: str) -> int | None:
        """Return which version of the secret an id stands for, if any."""
        record = self.journal.records.get(version_id)
        if record is not None and record.stamp is not None:
            return record.stamp.number
        match = _FOREIGN.fullmatch(version_id)
        return int(match[1]) if match else None

    def attach(self, label: str, version_id: str) -> None:
        """As ``Labels.attach``, in memory."""
        record = self.journal.records.get(version_id)
        if record is None and version_id in (self.current_id, self.previous_id):
            record = self.journal.records.setdefault(version_id, Record())
            record.stamp = self._stamp if version_id == self.current_id else None
        if record is None:
            raise StageConflict("there is no such version")
        if (
            label not in record.labels
            and sum(len(each.labels) for each in self.describe().versions.values()) >= MOST_LABELS
        ):
            raise StoreFull(f"a secret takes at most {MOST_LABELS} labels")
        record.labels.add(label)

    def detach(self, label: str, version_id: str) -> None:
        """As ``Labels.detach``, in memory."""
        record = self.journal.records.get(version_id)
        if record is not None:
            record.labels.discard(label)

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``Labels.move``, in memory."""
        if label not in self.journal.records.get(source, Record()).labels:
            raise StageConflict("the label does not sit where it was expected")
        self.attach(label, target)
        self.detach(label, source)

    def forget(self) -> None:
        """Drop what is no longer needed: values that the secret itself holds, and versions without any label."""
        kept = {self.current_id, self.previous_id}
        for key, record in list(self.journal.records.items()):
            if key == self.current_id:
                record.value = None
            elif not record.labels and key not in kept:
                del self.journal.records[key]


def same(text: Secret, document: SecretDocument | None) -> bool:
    """Return whether an entry holds the candidate. The server sorts keys and keeps numbers as a float does."""
    return document is not None and _as_kept(text) == _as_kept(document.dump())


def _as_kept(text: Secret) -> object:
    try:
        return _READER.decode(text.reveal())
    except (ValueError, RecursionError):
        return text  # It was written by hand and is not JSON, so it equals only itself.
