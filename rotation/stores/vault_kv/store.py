"""``Store`` over KV version 2.

The secret at ``path`` keeps the account document; its newest version is current and the one before is previous. The
journal at ``path.lockstep`` keeps the candidate until it is current, and all marks. Both are written by check-and-set
only. So of two runs that saw the same versions one wins, and after a lost answer a read shows whether the write was
made.

The store remembers both entries as it read or wrote them last, so that most operations need no read:

* A change of the journal starts from the remembered one. Its check-and-set succeeds only if the journal was not written
  since, so a success proves that the remembered entry was up to date. After a failure the store reads both entries and
  tries again. An operation that would refuse, or change nothing, reads both entries first, since it makes no write that
  could prove them.
* ``describe`` reads both, and ``acquire`` ends with it. The engine calls it between a write and the vendor call that
  depends on the write: so it notices a write that the server confirmed and did not keep, and an edit of the secret.
* ``promote`` reads the journal, since its own check-and-set guards only the secret: the rotation may have been
  cancelled, and another one begun.
* ``settle`` reads the secret, since it removes the candidate's value from the journal: the secret must have it.

Example. A rotation begins with the journal at version 7 and the secret at version 3, which takes two reads. ``stage``
writes version 8 and reads nothing. Had another job written version 8 before, ``stage`` would fail at the
check-and-set, read both entries, see the other job's rotation and raise ``StageConflict``.

Facts by OpenBao 2.7.2, measured 2026-11: keys come back sorted, numbers as a float has them; ``cas=0`` means "not there
yet"; a deleted newest version answers 404 with its metadata and keeps its number for the next check-and-set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from rotation.core.clock import Clock
from rotation.core.document import PASSWORD, SecretDocument, list_key, with_passwords_of
from rotation.core.errors import (
    ConfigError,
    InProgress,
    NotYetVisible,
    RotationError,
    SecretDocumentError,
    SecretNotFound,
    StageConflict,
    StoreError,
)
from rotation.core.process.stop import Halted
from rotation.core.settings import checked_path
from rotation.core.values import Evidence
from rotation.state import cleanup, lease, marks
from rotation.state.lease import CLOCK_MARGIN, Claim
from rotation.state.marks import LONGEST_RUN_SECONDS, Mark
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState
from rotation.stores.vault_kv.cancel import Cancelled, cancel
from rotation.stores.vault_kv.journal import JOURNAL_SUFFIX, Journal, Lease, Record
from rotation.stores.vault_kv.kv import Entry, Kv
from rotation.stores.vault_kv.snapshot import BINDING_KEY, TAKEN, Seen, same

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
        self._ended = False
        self._floors = {self._path: 0, self._journal: 0}
        self._known: _Known | None = None
        self._begun: str | None = None
        self._base: str | None = None

    @property
    def path(self) -> str:
        """The secret's path, relative to the mount."""
        return self._path

    def describe(self) -> SecretState:
        """See ``Store``."""
        return self._look().describe().as_of(self._clock.now())

    def remembered(self) -> SecretState | None:
        """Return the labels as this store read or wrote them last, without a read; ``None`` where it must read."""
        return None if self._known is None else self._seen(self._known).describe().as_of(self._clock.now())

    def seen(self) -> SecretState:
        """See ``Store``."""
        return self._last_seen().describe()

    def enroll(self, binding: str) -> None:
        """See ``Store``. Other custom metadata stay as they are."""
        found = self._kv.metadata(self._path)
        custom = {} if found is None else found.custom
        self._kv.annotate(self._path, {**custom, BINDING_KEY: binding})
        self._known = None

    def unfinished(self) -> str | None:
        """Return the token of a rotation that has begun and not ended; a journal that shows none decides alone."""
        entry = self._kv.read(self._journal)
        if entry is None or entry.document is None or entry.version < self._floors[self._journal]:
            return self._look().unfinished
        records = Journal.parse(entry.document).records.values()
        return self._look().unfinished if any(PENDING in record.labels for record in records) else None

    def password_since(self) -> float | None:
        """Return when the current password was written, in epoch seconds; ``None`` if no version shows it.

        An edit of another key makes a new version and leaves the password as old as it was. The journal tells which
        version the latest rotation made. If that version is gone, the password counts as unchanged since: a rotation
        too early does no harm, and one that every edit postpones would never come.
        """
        seen = self._look()
        now = seen.main
        stamps = [record.stamp for record in seen.journal.records.values() if record.stamp is not None]
        made = max((each for each in stamps if each.number <= now.version), key=lambda each: each.number, default=None)
        since: float = now.epoch
        for number in range(now.version - 1, 0 if made is None else made.number - 1, -1):
            entry = self._kv.read(self._path, version=number)
            if entry is None:  # and so are all versions before
                return None if made is None else datetime.fromisoformat(made.created).timestamp()
            if entry.document is not None:
                if not _same_passwords(entry, now):
                    return since
                since = entry.epoch
        return since

    def begin(self, token: str) -> str:
        """Begin a rotation: make the token's empty pending version, as Secrets Manager does.

        It is written with the first change of the journal; a rotation that dies before has not begun.

        Returns:
            The token to continue with: that of an unfinished rotation when there is one.
        """
        self._begun = None
        seen = self._look()
        if seen.unfinished is None:
            self._begun, self._base = token, seen.current_id
        return seen.unfinished or token

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
        """See ``Store``. A version's value never changes, so one that is remembered needs no read."""
        if self._known is not None:
            value = self._value(self._seen(self._known), version_id)
            if value is not None or version_id == self._begun:
                return value
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

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``Store``. Never takes the pending stage from another rotation.

        A candidate is made for what was current when its rotation began. Where another rotation has ended meanwhile, it
        may be for the account whose turn is over.
        """
        text, now = document.dump(), self._clock.now()

        def act(seen: Seen) -> None:
            if self._begun == token and seen.current_id != self._base and seen.current_id in seen.journal.records:
                raise StageConflict("another rotation of this secret has ended a moment ago")
            record = seen.journal.records.get(token)
            if record is None and mark is not None:
                record = seen.journal.records[token] = Record({mark.on(token)})
            elif record is None:
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

    def prove(self, version_id: str, evidence: Evidence, number: int | None = None) -> None:
        """See ``Store``. The proof of one account ends the lease, in the same write."""
        label = marks.proof(evidence, number).on(version_id)

        def act(seen: Seen) -> None:
            source = seen.describe().holder(label)
            if source is None:
                seen.attach(label, version_id)
            elif source != version_id:
                seen.move(label, source=source, target=version_id)
            held = seen.journal.lease
            if number is None and held is not None and held.token == version_id:
                seen.journal.lease = None

        self._change(act)
        self._ended = number is None

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """See ``Store``. One check-and-set of the journal writes lease and intent; a look shows that it was kept.

        The look also shows whether the secret was edited since, of which the journal's check-and-set knows nothing.
        """
        del state

        def act(seen: Seen) -> None:
            held = seen.journal.lease
            living = held is not None and claim.now <= held.until + CLOCK_MARGIN <= claim.now + LONGEST_RUN_SECONDS
            if held is not None and living and held.holder != claim.holder:
                raise InProgress("another run holds this secret's lease", not_before=held.until + CLOCK_MARGIN)
            if token == seen.current_id:
                raise StageConflict("the token's version is current already")
            for version_id in list(seen.journal.records):
                seen.detach(TAKEN, version_id)
            lease.clear(seen, seen.describe(), token, claim)
            seen.attach(TAKEN, token)
            seen.attach(claim.intent(seen.current_id).on(token), token)
            seen.journal.lease = Lease(token, claim.holder, ceil(claim.until))

        self._ended = False
        try:
            self._change(act)
            return self.describe()
        except (InProgress, StageConflict):
            raise  # nothing was written
        except (RotationError, Halted):  # as ``lease.take`` does
            with suppress(StoreError):
                self.yield_lease(token, holder=claim.holder)
            raise

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        """See ``Store``."""

        def act(seen: Seen) -> None:
            lease.give_back(seen, seen.describe(), token, holder=holder, sent=sent)
            held = seen.journal.lease
            if held is not None and (held.token, held.holder) == (token, holder):
                seen.journal.lease = None

        self._change(act)

    def end(self, token: str, *, holder: str) -> None:
        """See ``Store``. Only a batch has not ended its lease with the proof."""

        def act(seen: Seen) -> None:
            held = seen.journal.lease
            if held is not None and (held.token, held.holder) == (token, holder):
                seen.journal.lease = None

        if not self._ended:
            self._change(act)

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``Store``. The one write that readers see: ``cas`` names the version that was current.

        Written is current's document with the candidate's passwords, so that an edit of other keys made meanwhile
        stays. Where there was one, the journal gets that document first, since a commit is recognised by its content.

        A rotation that was cancelled since this store last saw it pending is not promoted.
        """
        was_pending = self._known is not None and self._seen(self._known).pending_id == token
        self._read_again(self._journal)

        def act(seen: Seen) -> None:
            if seen.current_id == token:
                return
            if was_pending and seen.pending_id != token:
                raise StageConflict("the rotation was cancelled a moment ago")
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
        self._change(act, certain=True)
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
        seen = self._last_seen()
        if seen.current_id != current_id:
            raise StageConflict("the secret's current version is not the one that was expected")
        self._write(self._path, document, cas=seen.main.version)

    def release(self, token: str) -> None:
        """See ``Store``."""
        self._change(lambda seen: cleanup.release(seen, seen.describe(), token))

    def settle(self, token: str) -> None:
        """See ``Store``."""

        def act(seen: Seen) -> None:
            if seen.pending_id == token:  # else a promotion is kept: cas makes a write certain
                cleanup.check_kept(seen.describe(), token)
            cleanup.settle(seen, seen.describe(), token)
            seen.detach(PENDING, token)  # else an edit by hand would make it look like a rotation in progress
            if token in seen.describe().versions:
                seen.forget()

        self._read_again(self._path)
        self._change(act)

    def attach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        self._change(lambda seen: seen.attach(label, version_id))

    def detach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        self._change(lambda seen: seen.detach(label, version_id))

    def _change(self, act: Callable[[Seen], None], *, certain: bool = False) -> Seen:
        """Change the journal in memory and write it: as remembered first, and as read after a lost check-and-set.

        Args:
            act: makes the change.
            certain: what is remembered may decide without a write, since the caller has just read what matters.
        """
        if self._known is not None:
            seen = self._changed(act, certain=certain)
            if seen is not None:
                return seen
        for pause in _PATIENCE:
            self._known = None
            seen = self._changed(act, certain=True)
            if seen is not None:
                return seen
            self._clock.sleep(pause)
        raise StageConflict("the journal was written by others again and again")

    def _changed(self, act: Callable[[Seen], None], *, certain: bool) -> Seen | None:
        """Return what was seen, with the change made and written; ``None`` if the entries must be read first."""
        seen = self._last_seen()
        try:
            act(seen)
        except RotationError:
            if certain:
                raise
            return None
        changed = seen.journal.dump()
        if changed == (seen.found or Journal().dump()):
            return seen if certain else None
        try:
            self._write(self._journal, changed, cas=seen.cas)
        except StageConflict:
            return None
        self._begun = None
        return seen

    def _write(self, path: str, document: SecretDocument, *, cas: int) -> None:
        """Write, and remember what was written; after a failure remember nothing, since the outcome is unknown."""
        known, self._known = self._known, None
        entry = self._kv.write(path, document, cas=cas)
        self._floors[path] = entry.version
        if known is not None and path == self._journal:
            self._known = _Known(entry, known.main)
        elif known is not None:
            self._known = _Known(known.journal, replace(entry, custom=known.main.custom))

    def _read_again(self, path: str) -> None:
        """Read one of both entries, and forget both if it is not the remembered one."""
        known = self._known
        if known is None:
            return
        remembered = known.journal if path == self._journal else known.main
        if _version_of(self._kv.read(path)) != _version_of(remembered):
            self._known = None

    def _last_seen(self) -> Seen:
        """Return both entries as remembered, or else as they are now."""
        return self._look() if self._known is None else self._seen(self._known)

    def _look(self) -> Seen:
        """Read both entries, the journal first: a commit between the two reads is then seen as what it is."""
        self._known = None
        for pause in (*_PATIENCE, None):
            journal, main = self._kv.read(self._journal), self._kv.read(self._path)
            if main is None or main.document is None:
                raise SecretNotFound(
                    "the secret does not exist" if main is None else "the secret's newest version was deleted",
                    hint="Check mount and path; `kv undelete` brings a deleted version back.",
                )
            known = _Known(journal, main)
            if known.cas >= self._floors[self._journal] and main.version >= self._floors[self._path]:
                seen = self._seen(known)
                if not seen.is_late:
                    self._known = known
                    return seen
            if pause is not None:
                self._clock.sleep(pause)
        raise NotYetVisible(
            "the server shows an older version than the one that was written",
            hint="A standby node may lag behind. If the secret was deleted and made again, delete its journal, too.",
        )

    def _seen(self, known: _Known) -> Seen:
        """Return what both entries say, with the rotation that has begun and is not written yet."""
        journal = known.journal
        if journal is not None and journal.document is None:
            raise StoreError(
                "the newest version of the journal was deleted",
                hint="The journal may hold the live password: undelete it. If no rotation ran, delete it with its "
                "metadata instead.",
            )
        found = None if journal is None else journal.document
        seen = Seen(known.main, Journal.parse(found), known.cas, found)
        if seen.unfinished is not None or self._begun in seen.journal.records:
            self._begun = None  # It is written, or another one has begun: what happens to either now is no begin.
        if self._begun is not None:
            _give_up_pending(seen)
            seen.forget()
            seen.journal.records[self._begun] = Record({PENDING})
        return seen


@dataclass(frozen=True, slots=True)
class _Known:
    """The newest versions of journal and secret, as read or written last; there may be no journal yet."""

    journal: Entry | None
    main: Entry

    @property
    def cas(self) -> int:
        """The number that the journal's next check-and-set names."""
        return 0 if self.journal is None else self.journal.version


def _version_of(entry: Entry | None) -> tuple[object, ...]:
    """Return what tells an entry's version from every other, and a deleted one from itself before."""
    return () if entry is None else (entry.version, entry.created, entry.document is None)


def _same_passwords(one: Entry, other: Entry) -> bool:
    return _passwords(one.document) == _passwords(other.document)


def _passwords(document: SecretDocument | None) -> list[object]:
    """Return the passwords of the account, or of every account of a batch in its order."""
    if document is None:
        return []
    entries = document.get(list_key(document) or "")
    accounts = entries if isinstance(entries, list) else [document]
    return [each.get(PASSWORD) for each in accounts if isinstance(each, Mapping)]


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
