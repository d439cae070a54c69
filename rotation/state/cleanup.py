"""Removes labels when a candidate is released, and after a promotion. Stores call this with their own labels.

This module does not touch the lease: the next run that takes it removes older ones. AWSPENDING stays on the version
that has become current, as the service itself leaves it. So a clean promotion costs one write, which removes the former
current version's intent. Wrong logins still count after their version is gone: they move to the current version, where
the next rotation's budget counts them. So does the wrong login that a dead run's intent stands for.

Example. Current is ``aaaa1111``, and the candidate ``bbbb2222`` with ``rejected:1:1700000030:~7f3a`` is released.
First ``rejected:1:1700000030:7f3a2222``, a carried note that names its origin, is put on current. Then the charge is
removed from the candidate. After a crash in between both are there; the repetition puts the same note once more, so
nothing is counted twice. The accounts of a batch have their wrong logins packed in their labels; these move as one
note with the highest number that any account has, since each account counts all carried notes as its own.
"""

from __future__ import annotations

from rotation.core.errors import StageConflict
from rotation.core.values import LONGEST_LOCKOUT_SECONDS
from rotation.state import marks
from rotation.state.lease import Labels
from rotation.state.marks import Kind, Mark
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation.state.versions import SecretState, Version, charges_of, implied, total
from rotation.state.waiting import ARRIVAL_SECONDS

_SPENT = {Kind.TASK, Kind.PARKED, Kind.ACCEPTED, Kind.LEARNT, Kind.FAILED}

_SEVERAL = ":several"
_MOST_NOTES = 3
"""Carried wrong logins that keep a label of their own."""


def release(labels: Labels, state: SecretState, token: str) -> None:
    """Remove the pending stage and every mark from the token's version, but not the lease."""
    version = state.versions.get(token)
    if version is None:
        return
    _clear(labels, state, [version], state.current_id)
    # Last, so that a crash before it leaves a candidate that is refused again, and none that is half released.
    if PENDING in version.stages:
        labels.detach(PENDING, token)


def is_kept(state: SecretState, token: str) -> bool:
    """Return whether the store has kept a promotion which it confirmed: it is current, or a later one has replaced it.

    AWSPENDING may be gone, since an operator can cancel meanwhile.
    """
    version = state.versions.get(token)
    if version is None or CURRENT in version.stages:
        return True
    return PREVIOUS in version.stages and PENDING not in version.stages


def check_kept(state: SecretState, token: str) -> None:
    """Raise ``StageConflict`` unless the store has kept a promotion; see ``is_kept``."""
    if not is_kept(state, token):
        raise StageConflict("the candidate was promoted, but is not current")


def settle(labels: Labels, state: SecretState, token: str) -> None:
    """Remove the labels that are no longer needed after a promotion, since another value has been proved live.

    The new current keeps its latest intent, proof and wrong logins, and the intent of an earlier run whose request may
    still be on its way (``waiting.before_a_reset``). Versions whose reset was sent earlier lose every mark, so that the
    store may forget them. A candidate that is pending, or was sent later, keeps everything: a late duplicate of
    finishSecret must not make the next rotation forget what it sent.
    """
    settled = state.versions.get(token)
    if settled is None:
        return
    recent = (settled.intent or 0.0) - ARRIVAL_SECONDS
    older = [each.mark for each in settled.intents[:-1] if not each.until and (each.written or each.sent < recent)]
    for mark in sorted(settled.marks):
        if mark.kind in _SPENT or mark in older:
            labels.detach(mark.on(token), token)
    for label in sorted(settled.unread):
        labels.detach(label, token)
    _clear(labels, state, _over(state, settled), token)
    former = state.version(state.previous_id or token)
    if former.id != token and PENDING in former.stages:
        labels.detach(PENDING, former.id)  # left by its own rotation, before another version was made current by hand


def is_settled(state: SecretState, token: str) -> bool:
    """Return whether nothing is left to remove from the versions that a current one has replaced.

    After a secret's first rotation it is so even before ``settle``, which then finds nothing to remove.
    """
    return not any(each.marks for each in _over(state, state.version(token)))


def leaves_a_trace(state: SecretState, token: str) -> bool:
    """Return whether a commit of this candidate leaves anything to settle, so that labels show whether it was.

    A mark that a proof moves or removes before the commit is no trace.
    """
    over = _over(state, state.version(token))
    return any(mark.kind not in {Kind.PROOF, Kind.ACCEPTED} for each in over for mark in each.marks)


def _over(state: SecretState, settled: Version) -> list[Version]:
    return [each for each in state.versions.values() if each.id != settled.id and not _is_in_flight(each, settled)]


def _clear(labels: Labels, state: SecretState, over: list[Version], target: str | None) -> None:
    """Remove every mark from versions whose rotation is over, and note their wrong logins on the target.

    All labels of the secret may be in use, so those that are not needed go first, and each note is written right before
    the charge that it replaces is removed. A repetition changes nothing.
    """
    for version in over:
        stand_for_charges = {each.mark for each in implied(version)}
        for mark in sorted(version.marks - stand_for_charges):
            if not _charges(mark):
                labels.detach(mark.on(version.id), version.id)
        for label in sorted(version.unread):
            labels.detach(label, version.id)
    keeper = state.versions.get(target or "")
    notes = set() if keeper is None else {mark for mark in keeper.all(Kind.REJECTED) if marks.is_carried(mark)}
    for version in over:
        takes = keeper if keeper is not None and keeper.id != version.id and _is_recent(version, keeper) else None
        for charge, held in _charged(version):
            if takes is not None:
                note = marks.carried(charge, version.id)
                labels.attach(note.on(takes.id), takes.id)
                notes.add(note)
            for mark in held:
                labels.detach(mark.on(version.id), version.id)
            if takes is not None:
                notes = _merged(labels, takes.id, notes)


def _charges(mark: Mark) -> list[tuple[int, float]]:
    """Return the wrong logins that a mark stands for; a packed mark holds those of one account."""
    packed = marks.unpacked(mark)[1] if mark.kind is Kind.MEMBER else {mark}
    return list(charges_of(packed).values())


def _charged(version: Version) -> list[tuple[Mark, list[Mark]]]:
    """Return each charge of a version with the marks that hold it; those of a batch's accounts are one."""
    alone = [(charge, [charge]) for charge in version.all(Kind.REJECTED)]
    alone += [(marks.rejected(1, each.until, run=each.run), [each.mark]) for each in implied(version)]
    held = [mark for mark in version.all(Kind.MEMBER) if _charges(mark)]
    if not held:
        return alone
    each = [total(charges_of(notes).values()) for notes in version.members.values()]
    return [*alone, (marks.rejected(max(count for count, _ in each), max(at for _, at in each)), held)]


def _is_recent(version: Version, keeper: Version) -> bool:
    """Return whether a wrong login may still count, by the longest possible window, since the account is unknown."""
    charged = [at for mark in version.marks for _, at in _charges(mark)]
    charged += [each.until for each in implied(version)]
    return any(at > (keeper.intent or 0) - LONGEST_LOCKOUT_SECONDS for at in charged)


def _merged(labels: Labels, keeper: str, notes: set[Mark]) -> set[Mark]:
    """Merge the oldest carried notes into one, so that they never use up the labels.

    A crash in between may count some twice. An earlier merged note is always among them, since of two notes of one
    origin only one counts.
    """
    if len(notes) <= _MOST_NOTES:
        return notes
    order = sorted(notes, key=lambda note: (not note.value.endswith(_SEVERAL), marks.charged(note)[1], note))
    oldest = order[: len(notes) - _MOST_NOTES + 1]
    count, latest = total(marks.charged(note) for note in oldest)
    one = Mark(Kind.REJECTED, f"{count}:{int(latest)}{_SEVERAL}")
    labels.attach(one.on(keeper), keeper)
    for note in oldest:
        if note != one:
            labels.detach(note.on(keeper), keeper)
    return {one, *(note for note in notes if note not in oldest)}


def _is_in_flight(version: Version, settled: Version) -> bool:
    return {PENDING, PREVIOUS} & version.stages == {PENDING} or (version.intent or 0) > (settled.intent or 0)
