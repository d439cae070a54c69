"""``Store`` over KV version 2.

The secret at ``path`` keeps the account document; its newest version is current and the one before is previous. The
journal at ``path.lockstep`` keeps the candidate until it is current, and all marks. Both are only ever written by
check-and-set, so of two runs that saw the same one wins, and a write whose answer was lost is found out by looking.

Facts by OpenBao 2.7.2, measured 2026-11: keys come back sorted, numbers as a float has them; ``cas=0`` means "not there
yet"; a deleted newest version answers 404 with its metadata and keeps its number for the next check-and-set.
"""

from __future__ import annotations

from collections.abc import Callable

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument, with_passwords_of
from rotation.core.errors import (
    ConfigError,
    InProgress,
    NotYetVisible,
    SecretDocumentError,
    SecretNotFound,
    StageConflict,
    StoreError,
)
from rotation.core.settings import checked_path
from rotation.state import cleanup
from rotation.state.lease import Claim
from rotation.state.marks import Mark
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState
from rotation.stores.vault_kv.cancel import Cancelled, cancel
from rotation.stores.vault_kv.journal import JOURNAL_SUFFIX, Journal, Lease, Record
from rotation.stores.vault_kv.kv import Entry, Kv
from rotation.stores.vault_kv.snapshot import TAKEN, Seen, same

_PATIENCE = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts after a lost check-and-set, or while a standby node shows an old version."""


class VaultKv:
    """One secret.

    Args:
        kv: the mount.
        path: of the secret, relative to the mount.
        clock: for pauses, and for the time of candidates.
    """

    def __init__(self, kv: Kv, path: str, *, clock: Clock) -> None:
        self._path = path.strip("/")
        if not self._path or self._path.endswith(JOURNAL_SUFFIX):
            raise ConfigError(f"{path!r} is no path of a secret to rotate")
        checked_path(self._path, what="the secret's path")
        self._kv = kv
        self._journal = self._path + JOURNAL_SUFFIX
        self._clock = clock
        self._floors = {self._path: 0, self._journal: 0}

    @property
    def path(self) -> str:
        """The secret's path, relative to the mount."""
        return self._path

    def describe(self) -> SecretState:
        """See ``Store``."""
        return self._look().describe()

    def unfinished(self) -> str | None:
        """Return the token of a rotation that has begun and not ended."""
        return self._look().unfinished

    def begin(self, token: str) -> str:
        """Begin a rotation: make the token's empty pending version, as Secrets Manager does.

        Returns:
            The token to go on with: that of an unfinished rotation when there is one.
        """

        def act(seen: Seen) -> None:
            if seen.unfinished is None:
                _give_up_pending(seen)
                seen.forget()
                seen.journal.records.setdefault(token, Record()).labels.add(PENDING)

        return self._change(act).unfinished or token

    def cancel(self) -> Cancelled:
        """Give the rotation in progress up. See ``cancel``: one check-and-set, as ``acquire`` is."""
        done: list[Cancelled] = []
        self._change(lambda seen: done.append(cancel(seen, self._clock.now())))
        return done[-1]

    def create(self, document: SecretDocument) -> None:
        """Make the secret, for a mirror that is not there yet.

        Raises:
            StageConflict: it is there, or was and left its metadata behind.
        """
        self._write(self._path, document, cas=0)

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Store``."""
        return self._value(self._look(), version_id)

    def _value(self, seen: Seen, version_id: str) -> StoredValue | None:
        record = seen.journal.records.get(version_id)
        if record is not None and record.value is not None:
            return StoredValue(version_id, SecretDocument.parse(record.value.reveal()), record.created)
        number = seen.number(version_id)
        if number is None:
            return None
        entry = seen.main if number == seen.main.version else self._kv.read(self._path, version=number)
        if entry is None or entry.document is None:
            return None
        if record is not None and record.stamp is not None and record.stamp.created != entry.created:
            return None  # A version of an earlier secret of this name.
        return StoredValue(version_id, entry.document, entry.epoch)

    def stage(self, token: str, document: SecretDocument) -> None:
        """See ``Store``. Never takes the pending stage from another rotation."""
        text, now = document.dump(), self._clock.now()

        def act(seen: Seen) -> None:
            record = seen.journal.records.get(token)
            if record is None:
                if seen.unfinished is not None:
                    raise StageConflict("another rotation of this secret has begun")
                _give_up_pending(seen)
                record = seen.journal.records[token] = Record({PENDING})
            before = self._value(seen, token)
            if before is not None and not same(text, before.document):
                raise StageConflict("another value sits under this token")
            if record.value is None and token != seen.current_id:
                record.value, record.created = text, now

        self._change(act)

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self.attach(mark.on(version_id), version_id)

    def unmark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self.detach(mark.on(version_id), version_id)

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """See ``Store``. One check-and-set; what was seen before does not matter."""
        del state

        def act(seen: Seen) -> None:
            held = seen.journal.lease
            if held is not None and held.until > claim.now and held.holder != claim.holder:
                raise InProgress("another run holds this secret's lease", not_before=held.until)
            if token == seen.current_id:
                raise StageConflict("the token's version is current already")
            for record in seen.journal.records.values():
                record.labels.discard(TAKEN.label)
            seen.attach(TAKEN.label, token)
            seen.journal.lease = Lease(token, claim.holder, int(claim.until) + 1)

        return self._change(act).describe()

    def yield_lease(self, token: str, *, holder: str) -> None:
        """See ``Store``."""

        def act(seen: Seen) -> None:
            held = seen.journal.lease
            if held is not None and (held.token, held.holder) == (token, holder):
                seen.journal.lease = None

        self._change(act)

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``Store``. The one write that readers see: ``cas`` names the version that was current.

        Written is current's document with the candidate's passwords, so that an edit of other keys made meanwhile
        stays. Where there was one, the journal gets that document first, since a commit is recognised by its content.
        """

        def act(seen: Seen) -> None:
            if seen.current_id == token:
                return
            if current_id is None:
                raise SecretDocumentError("the secret has no current version to take over from")
            value = self._value(seen, token)
            if value is None or seen.current_id != current_id or seen.main.document is None:
                raise StageConflict("the secret's current version is not the one that was expected")
            document = with_passwords_of(value.document, seen.main.document)
            committed.append((document, seen.main.version))
            record = seen.journal.records.get(token)
            if record is not None and record.value is not None and not same(record.value, document):
                record.value = document.dump()

        committed: list[tuple[SecretDocument, int]] = []
        self._change(act)
        if not committed:
            return
        document, version = committed[-1]
        try:
            self._write(self._path, document, cas=version)
        except StageConflict:
            if self._look().current_id != token:
                raise

    def replace(self, document: SecretDocument, *, current_id: str | None) -> None:
        """Make another document current as it stands, for a mirror, which edits nothing of its own.

        Raises:
            StageConflict: another version is current.
        """
        seen = self._look()
        if seen.current_id != current_id:
            raise StageConflict("the secret's current version is not the one that was expected")
        self._write(self._path, document, cas=seen.main.version)

    def release(self, token: str) -> None:
        """See ``Store``."""
        self._change(lambda seen: cleanup.release(seen, seen.describe(), token))

    def settle(self, token: str) -> None:
        """See ``Store``."""

        def act(seen: Seen) -> None:
            cleanup.settle(seen, seen.describe(), token)
            if token in seen.describe().versions:
                seen.forget()

        self._change(act)

    def attach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        self._change(lambda seen: seen.attach(label, version_id))

    def detach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        self._change(lambda seen: seen.detach(label, version_id))

    def _change(self, act: Callable[[Seen], None]) -> Seen:
        """Look, change the journal and write it; again from the look when somebody else wrote meanwhile."""
        for pause in _PATIENCE:
            seen = self._look()
            act(seen)
            changed = seen.journal.dump()
            if changed == (seen.found or Journal().dump()):
                return seen
            try:
                self._write(self._journal, changed, cas=seen.cas)
            except StageConflict:
                self._clock.sleep(pause)
                continue
            return seen
        raise StageConflict("the journal was written by others again and again")

    def _write(self, path: str, document: SecretDocument, *, cas: int) -> None:
        self._floors[path] = self._kv.write(path, document, cas=cas).version

    def _look(self) -> Seen:
        for pause in (*_PATIENCE, None):
            seen = self._seen()
            if seen is not None and not seen.is_late:
                return seen
            if pause is not None:
                self._clock.sleep(pause)
        raise NotYetVisible(
            "the server shows an older version than the one that was written",
            hint="A standby node may lag behind. If the secret was deleted and made again, delete its journal, too.",
        )

    def _seen(self) -> Seen | None:
        """Read the journal first: a commit between the two reads is then seen as what it is."""
        kept = self._kv.read(self._journal)
        main = self._kv.read(self._path)
        if main is None or main.document is None:
            raise SecretNotFound(
                "the secret does not exist" if main is None else "the secret's newest version was deleted",
                hint="Check mount and path; `kv undelete` brings a deleted version back.",
            )
        cas = 0 if kept is None else kept.version
        if cas < self._floors[self._journal] or main.version < self._floors[self._path]:
            return None
        if kept is not None and kept.document is None:
            raise StoreError(
                "the newest version of the journal was deleted",
                hint="It may hold the live password: undelete it. Delete it with its metadata if no rotation ran.",
            )
        found = None if kept is None else kept.document
        return Seen(main, Journal.parse(found), cas, found)


def _give_up_pending(seen: Seen) -> None:
    """Take the pending stage from where a finished rotation left it."""
    if seen.pending_id is not None:
        seen.detach(PENDING, seen.pending_id)


def read_current(kv: Kv, path: str) -> SecretDocument:
    """Return another secret's newest document, such as an admin credential.

    Raises:
        StoreError: it cannot be read.
    """
    entry: Entry | None = kv.read(path)
    if entry is None or entry.document is None:
        raise SecretNotFound("there is no such secret", hint="Check mount and path.")
    return entry.document
