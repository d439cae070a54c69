"""Lets one run at a time work on a secret, by labels alone.

A label's presence is no lock, since attaching it twice succeeds both times. Moving a label is a compare-and-swap: the
call names the version that the label is taken from. The lease is the label ``lockstep:lease:<generation>`` with the
highest generation. On the current version it is free. A run takes it by moving it to the version of its token.
Promotion makes that version the current one, so the next rotation finds the label there. A secret is busy while any
version has a living intent of another run: one whose ``until`` is not over yet. An intent whose version is proved is
not living, since its run does nothing more at the vendor.

To take the lease, a run with token ``v``

1. looks: the secret is not busy, and ``c`` is current. The highest generation is taken if it lies on ``c``, else the
   next one is made;
2. attaches its intent, which says until when it may act, to ``v``;
3. attaches the lease to ``c`` if need be, and moves it from ``c`` to ``v``. One of several runs succeeds;
4. looks again: its intent and its lease are there, no higher generation is, no other lease has come to ``v`` since 1,
   and the stages are as in 1. Then, and only then, it may act until its ``until``.

A run that does not get the lease removes its intent. A run that dies leaves its intent behind: the intent expires by
itself, and from then on it means that a reset may have been sent and that one wrong login may be missing in the notes.
A run that ends in order removes its intent if nothing was sent, replaces it by one with ``until=0`` if it is unknown
whether the reset took effect, and leaves it if the candidate was proved.

Example, the labels of a clean rotation (without ``lockstep:``; ``c`` ends with ``aaaa1111``)::

    before        c: AWSCURRENT lease:1 proof:login intent:10:70:51c0ffee:00000000
    createSecret                                                           v: AWSPENDING
    setSecret, 2                                                           v: … intent:90:150:7f3a01bc:aaaa1111
    setSecret, 3  c: AWSCURRENT proof:login intent:10:…                    v: … lease:1
    after a login c: AWSCURRENT intent:10:…                                v: … proof:login
    finishSecret  c: AWSPREVIOUS      v: AWSCURRENT AWSPENDING lease:1 proof:login intent:90:150:7f3a01bc:aaaa1111

What has to hold, and why it does (``tests/rotation/state/test_lease_model.py`` removes each condition in turn):

* Two runs with the same view: step 3 lets one pass, since the label can be moved away from ``c`` once.
* A run that stalled after step 1: a label that was moved from ``c`` never comes back to it, as the next generation is
  made instead. Where older generations were tidied up meanwhile, step 4 sees the higher one.
* A run that stalled after step 3 and outlived its time does nothing: it knows its own ``until``.
* A run that looks while another one moves the lease sees the other's intent, since that was attached before.
* A write that was confirmed and not kept, and a read that is late: step 4 does not see what step 2 or 3 wrote.
* Two runs of one rotation that saw the leases at different moments and want different generations: the later one to
  move its own to ``v`` sees in step 4 that the other one lies there, too.
* A highest generation that somebody forged: the leases are removed while no run may act, and begin again with 1.
* A rotation that was cancelled, and an operator who puts a former version back: step 4 compares the stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from rotation.core.errors import InProgress, NotYetVisible, StageConflict, StoreError
from rotation.core.process.stop import Halted
from rotation.state import marks
from rotation.state.marks import LEASE, PREFIX, Intent, Kind
from rotation.state.stages import PENDING
from rotation.state.versions import SecretState, Version, implied, total

CLOCK_MARGIN = 30.0
"""Seconds by which the clocks of two runs may differ. Hosts that synchronise their time differ by less than one second,
and one that has not done so for two weeks by about this. A longer margin makes every run after a dead one wait."""

LAST_GENERATION = 999_999
"""Labels hold no higher one. A secret gets there only if somebody forges it; then the generations begin again."""
AGAIN_SECONDS = 60.0


class Labels(Protocol):
    """What a store must do with labels."""

    def describe(self) -> SecretState:
        """Return every labelled version."""
        ...

    def attach(self, label: str, version_id: str) -> None:
        """Attach a label; ``StageConflict`` when it sits on another version."""
        ...

    def move(self, label: str, *, source: str, target: str) -> None:
        """Move a label; ``StageConflict`` when it does not sit on ``source``."""
        ...

    def detach(self, label: str, version_id: str) -> None:
        """Take a label away; harmless when it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants the lease, and for how long.

    Attributes:
        holder: this run, 1 to 32 hexadecimal digits.
        until: epoch after which this run does not act any more.
    """

    holder: str
    now: float
    until: float

    def intent(self, base: str) -> marks.Mark:
        """Return the intent of this run, which begins while ``base`` is current."""
        return marks.intent(self.now, until=self.until, run=self.holder, base=base)


def label(generation: int) -> str:
    """Return the lease of one generation."""
    return f"{PREFIX}lease:{generation}"


def leases(state: SecretState) -> Mapping[int, str]:
    """Return the version that the lease of each generation lies on."""
    found = ((match, each.id) for each in state.versions.values() for match in map(LEASE.fullmatch, each.labels))
    return {int(match[1]): version_id for match, version_id in found if match}


def ever_taken(state: SecretState, token: str) -> bool:
    """Return whether a run has begun for the token's version and may have switched its machine."""
    lies = token != state.current_id and token in leases(state).values()
    return lies or bool(state.version(token).intents)


def busy(state: SecretState, now: float, *, but: str = "") -> float | None:
    """Return until when another run than that of the holder ``but`` may act; ``None`` if no other run is active."""
    living = [
        each.until
        for version in state.versions.values()
        if not _is_over(state, version)
        for each in version.intents_of_others(but)
        if _is_living(each, now)
    ]
    return max(living) + CLOCK_MARGIN if living else None


def _is_over(state: SecretState, version: Version) -> bool:
    """Return whether no run acts for a version any more, since it is proved, or was promoted with its proof."""
    promoted = version.id in (state.current_id, state.previous_id)
    return state.proof(version.id) is not None or (promoted and (version.proof is not None or bool(version.proofs)))


def take(labels: Labels, state: SecretState, token: str, claim: Claim) -> SecretState:
    """Take the lease for the token's version. Return the labels as they are under the lease.

    ``state`` is what was seen before; an old view only makes this fail.

    Raises:
        InProgress: another run holds it, or wanted it at the same moment.
        NotYetVisible: what was written cannot be seen.
        StageConflict: the token's version is current, or none is, or the stages moved meanwhile.
    """
    until = busy(state, claim.now, but=claim.holder)
    if until is not None:
        raise InProgress("another run holds this secret's lease", not_before=until)
    current_id = state.current_id
    if current_id is None or current_id == token:
        raise StageConflict("the secret has no current version beside the token's")
    found = leases(state)
    newest = max(found, default=0)
    generation = newest if found.get(newest) == current_id else newest + 1
    if generation > LAST_GENERATION:
        _begin_again(labels, found, claim)
    clear(labels, state, token, claim)
    mine = claim.intent(current_id).on(token)
    try:
        labels.attach(mine, token)
        _win(labels, label(generation), current_id, token, lies=generation in found)
        after = labels.describe()
        _look_again(state, after, token, {mine, label(generation)}, generation)
        found = leases(after)
        for older in sorted(found)[:-1]:
            labels.detach(label(older), found[older])
    except (Exception, Halted):
        with suppress(StoreError):  # It expires by itself, and the first error matters more.
            labels.detach(mine, token)
        raise
    return after


def give_back(labels: Labels, state: SecretState, token: str, *, holder: str, sent: float | None) -> bool:
    """Give the lease back; harmless when this run does not hold it. Return whether the state shows that it does.

    ``sent`` is when a reset was sent whose outcome is open; ``None`` when nothing was sent.
    """
    mine = [each for each in state.version(token).intents if each.run == marks.run_name(holder) and each.until]
    for each in mine:
        if sent is not None:
            labels.attach(Intent(sent, 0, each.run, each.base).mark.on(token), token)
        labels.detach(each.mark.on(token), token)
    if mine and sent is not None:  # which says more than those of runs that have ended before
        for each in state.version(token).intents:
            if not each.until:
                labels.detach(each.mark.on(token), token)
    return bool(mine)


def clear(labels: Labels, state: SecretState, token: str, claim: Claim) -> None:
    """Remove marks that are no longer valid, before an intent is written.

    The new intent would make an invalid proof valid again. Of the intents that other runs left, only the latest stays,
    so that runs which always die do not use up the labels; the wrong login that each may stand for is written down
    first.
    """
    version = state.version(token)
    for mark in _spent_proofs(state, version):
        labels.detach(mark.on(token), token)
    old = [each for each in version.intents_of_others(claim.holder) if not _is_living(each, claim.now)][:-1]
    counted = [(1, each.until) for each in implied(version) if each in old]
    sums = [mark for mark in version.all(Kind.REJECTED) if not marks.charge_origin(mark)]
    sums.sort(key=lambda mark: marks.charged(mark)[::-1])
    if counted:
        for mark in sums[:-1]:  # only the latest counts
            labels.detach(mark.on(token), token)
        one = marks.rejected(*total([*map(marks.charged, sums[-1:]), *counted]))
        labels.attach(one.on(token), token)
        for mark in sums[-1:]:
            labels.detach(mark.on(token), token)
    for each in old:
        labels.detach(each.mark.on(token), token)


def _spent_proofs(state: SecretState, version: Version) -> list[marks.Mark]:
    if state.is_based_on_current(version):
        holds = version.proofs or state.proof(version.id) is not None
        return [] if holds else version.all(Kind.PROOF)
    return version.all(Kind.PROOF) + version.all(Kind.ACCEPTED)


def _is_living(intent: Intent, now: float) -> bool:
    return bool(intent.until) and intent.until + CLOCK_MARGIN >= now


def _begin_again(labels: Labels, found: Mapping[int, str], claim: Claim) -> NoReturn:
    """Remove every lease, while no run may act: the next one makes the first generation."""
    for generation, version_id in sorted(found.items()):
        labels.detach(label(generation), version_id)
    raise InProgress("the lease's numbers were used up and begin again", not_before=claim.now + AGAIN_SECONDS)


def _win(labels: Labels, lease: str, current_id: str, token: str, *, lies: bool) -> None:
    try:
        if not lies:
            labels.attach(lease, current_id)
        labels.move(lease, source=current_id, target=token)
    except StageConflict:
        raise InProgress("another run took this secret's lease at the same moment") from None


def _look_again(before: SecretState, after: SecretState, token: str, mine: set[str], generation: int) -> None:
    if not mine <= after.version(token).labels:
        raise NotYetVisible("what this run wrote cannot be read back yet; nothing was sent")
    pending = [PENDING in each.version(token).stages for each in (before, after)]
    if before.current_id != after.current_id or pending[0] != pending[1]:
        raise StageConflict("the labels moved while this rotation ran; nothing was sent")
    lay, lies = ({number for number, on in leases(each).items() if on == token} for each in (before, after))
    if max(leases(after)) > generation or lies - lay - {generation}:
        raise InProgress("another run took this secret's lease meanwhile")
