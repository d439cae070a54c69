"""Carries out a plan under the secret's lease, if the labels are still those that the plan was made from.

Left-over labels are settled first and without the lease, since the lease itself needs labels. Then promote, release
and start are done under the lease. Last, the engine's own steps resume an unfinished rotation.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from rotation.core.errors import RotationError, StageConflict, StoreError, StoreFull
from rotation.core.values import Step
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.findings import Content, ExaminedVersion
from rotation.doctor.side_findings import removable_labels
from rotation.engine.account import power
from rotation.engine.outcome.announcing import commit
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.marks import Kind
from rotation.state.parking import needs_human
from rotation.state.versions import SecretState


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a repair.

    Attributes:
        condition: ``HEALTHY`` when current is live now; otherwise why not.
        done: what was carried out.
        error: what stopped it.
        advice: what a human must do.
        not_before: epoch seconds before which another attempt is of no use.
    """

    condition: Condition
    done: tuple[Action, ...] = ()
    error: RotationError | None = None
    advice: str = ""
    not_before: float | None = None


def repair(session: Session, diagnosis: Diagnosis) -> Outcome:
    """Carry out a diagnosis's plan, which may be empty.

    Every move of a label names the version that must have it, and nothing is moved if the labels have changed since the
    diagnosis.
    """
    work = _Repair(session, diagnosis)
    try:
        work.carry_out()
    except RotationError as failure:
        hint = removable_labels(diagnosis.findings) if isinstance(failure, StoreFull) else ""
        error = failure.with_hint(hint) if hint else failure
        condition = Condition.WAITING if error.retryable else Condition.HUMAN
        return Outcome(
            condition=condition, done=tuple(work.done), error=error, advice=error.hint, not_before=error.not_before
        )
    unchanged = diagnosis.condition in (Condition.WAITING, Condition.HUMAN)
    return Outcome(
        condition=diagnosis.condition if unchanged else Condition.HEALTHY,
        done=tuple(work.done),
        advice=diagnosis.advice,
        not_before=diagnosis.not_before,
    )


@dataclass(frozen=True, slots=True)
class _Repair:
    session: Session
    diagnosis: Diagnosis
    done: list[Action] = field(default_factory=list)

    def carry_out(self) -> None:
        """Do each action of the plan, and note it in ``done``."""
        settles, moves, resumes = (
            [action for action in self.diagnosis.plan if action.verb in verbs]
            for verbs in ({Verb.SETTLE}, set(_MOVES), {Verb.RESUME})
        )
        if settles:
            self._require_unmoved()
        for action in settles:
            self._settle(action)
            self.done.append(action)
        if moves:
            with self._leased(moves):
                self._require_unmoved(but={action.version_id for action in settles})
                for action in moves:
                    _MOVES[action.verb](self, self._examined(action))
                    self.done.append(action)
        for action in resumes:
            self._resume(action.version_id)
            self.done.append(action)

    def _settle(self, action: Action) -> None:
        """Remove labels without the lease, since there may be no label left for taking it.

        A version of an older reset that is not pending belongs to no run any more, and the guard refuses its token.
        """
        if action.version_id == self.diagnosis.findings.state.current_id:
            self.session.store.settle(action.version_id)
        else:
            self.session.store.release(action.version_id)

    @contextmanager
    def _leased(self, moves: list[Action]) -> Iterator[None]:
        """Hold the lease on the first version with a value, since an empty version may not take labels."""
        examined = [self._examined(action) for action in moves]
        version_id = next((each.id for each in examined if each.content is not Content.EMPTY), None)
        if version_id is None:
            yield
            return
        session = self.session
        session.store.acquire(version_id, session.store.describe(), session.claim())
        try:
            yield
        finally:
            with suppress(StoreError):  # the lease expires by itself, and the repair's own outcome matters more
                session.store.yield_lease(version_id, holder=session.holder)

    def _require_unmoved(self, *, but: AbstractSet[str] = frozenset()) -> None:
        holder = self.session.holder
        now = _stages_and_intents(self.session.store.describe(), but, holder)
        if now != _stages_and_intents(self.diagnosis.findings.state, but, holder):
            raise StageConflict("the labels moved since the examination; nothing is changed any more")

    def _examined(self, action: Action) -> ExaminedVersion:
        examined = self.diagnosis.findings.version(action.version_id)
        if examined is None:
            raise StageConflict("the plan names a version that was not examined")
        return examined

    def _promote(self, examined: ExaminedVersion) -> None:
        store = self.session.store
        if examined.evidence is not None:
            store.prove(examined.id, examined.evidence)
        for each in self.diagnosis.findings.versions:  # what the vendor said yes to before is not live any more
            for mark in each.version.all(Kind.ACCEPTED) if each is not examined else ():
                store.unmark(each.id, mark)
        state, settle = self.diagnosis.findings.state, partial(store.settle, examined.id)
        commit(self.session, examined.id, examined.evidence, state=state, settle=settle)

    def _start(self, examined: ExaminedVersion) -> None:
        bound = self.diagnosis.findings.bound
        if bound is not None and examined.stored is not None:
            power.give_back(bound, examined.stored.document)

    def _release(self, examined: ExaminedVersion) -> None:
        self._start(examined)
        self.session.store.release(examined.id)

    def _resume(self, token: str) -> None:
        """Run the remaining steps as the service would, whether rotation is enabled or not."""
        self._end_parking(token)
        resumed = replace(self.session, token=token, ordered=True)
        for last in (False, True):
            try:
                for step in (Step.SET, Step.TEST, Step.FINISH):
                    run(resumed, step)
            except RotationError as error:
                # testSecret may find that the reset had no effect; the second round sends it again.
                if last or not (error.retryable or error.code == "login_rejected"):
                    raise
            else:
                return

    def _end_parking(self, token: str) -> None:
        """Remove a parking label that waits for a human."""
        version = self.session.store.describe().versions.get(token)
        if version is None or version.parked is None:
            return
        if needs_human(version.parked[0]):
            for mark in version.all(Kind.PARKED):
                self.session.store.unmark(token, mark)


_MOVES = {Verb.PROMOTE: _Repair._promote, Verb.RELEASE: _Repair._release, Verb.START: _Repair._start}  # noqa: SLF001 - the class's own table


def _stages_and_intents(
    state: SecretState, but: AbstractSet[str], holder: str
) -> dict[str, tuple[frozenset[str], float | None]]:
    """Return the labels that a plan depends on: all except charges, leases and this run's own intent."""
    seen = [version.before(holder) for version in state.versions.values() if version.id not in but]
    return {each.id: (each.stages, each.intent) for each in seen if each.stages or each.intent is not None}
