"""Carries out what ``machine.RECONCILIATION`` decides: send the candidate once, or find out what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rotation.core.errors import (
    CannotVerify,
    DriverError,
    InProgress,
    NotEnoughTime,
    NotYetVisible,
    OldPasswordRejected,
    Parked,
    PasswordRejected,
    PasswordReused,
    RotationError,
    StageConflict,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, Power, Task, TaskState, Verdict
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.account import known_dead
from rotation.engine.account.login_budget import Budget, require_tries
from rotation.engine.account.power import bring_to, give_back, wish
from rotation.engine.account.refusals import Setback, may_be_our_own_doing
from rotation.engine.result import Result
from rotation.engine.session import Session
from rotation.engine.tables.reconciliation import (
    PROBES,
    SENDS,
    TASK_FINDINGS,
    Facts,
    Finding,
    Move,
    Oracle,
    Stored,
    TaskFinding,
    next_move,
)
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState

MOST_SENDS = 2
"""Per invocation: a second one happens only when the refusal of the first told which password is live."""

_VOID = (Kind.INTENT, Kind.TASK, Kind.ACCEPTED, Kind.VERIFIED, Kind.DEAD)
"""Marks of an earlier reset that say nothing any more once another one is sent."""


@dataclass(slots=True)
class Reconciliation:
    """The loop of one invocation.

    Attributes:
        state: the labels as last read.
        facts: what the reconciliation table decides by.
        maybe_applied: whether a reset with this candidate can have reached the account, by any attempt so far.
        again: whether earlier runs may have sent it.
        seen: what the target looked like last.
        unclear: why the last probe could not tell.
    """

    session: Session
    bound: Guarded
    state: SecretState
    current: StoredValue
    candidate: StoredValue
    seen: Observation
    facts: Facts = field(init=False)
    maybe_applied: bool = field(init=False)
    again: bool = field(init=False)
    unclear: RotationError | None = None

    def __post_init__(self) -> None:
        version = self.state.version(self.session.token)
        self.maybe_applied = self.again = version.intent is not None
        self.facts = Facts(
            intent=self.maybe_applied,
            authority=self.bound.spec.authority,
            oracle=Oracle.LOGIN if self._must_log_in or self.bound.can_ask(self.seen) else Oracle.NONE,
            accepted=version.accepted,
            reachable=self.seen.power is not Power.STOPPED,
            cancelled=not self.maybe_applied and self.state.cancelled_id(self.session.token) is not None,
            task=TaskFinding.NONE if version.task is None else TaskFinding.NOT_POLLED,
            previous=Finding.NOT_ASKED if self._fallback else Finding.ABSENT,
        )
        self.facts = known_dead.recall(self.facts, version)

    def run(self) -> Result:
        """Move until the candidate is live as far as this step can tell."""
        if self.facts.intent:
            self._wait_for_the_vendor()
        while True:
            move = next_move(self.facts).move
            if move is Move.DONE:
                self._note_acceptance()
                return self._result("found_live")
            if move in SENDS:
                if self._send(move):
                    return self._result("sent")
            elif move is Move.POLL:
                self._follow(Task(str(self.state.version(self.session.token).task)))
            elif move in PROBES:
                self._probe(PROBES[move])
            else:
                raise self._stop(move)

    @property
    def _must_log_in(self) -> bool:
        return self.bound.minimum is Evidence.LOGIN or self.bound.spec.authority is Authority.SELF

    @property
    def _fallback(self) -> str | None:
        """The version to try when current is dead: a cancelled rotation's that may have been sent, or previous."""
        return self.state.cancelled_id(self.session.token) or self.state.previous_id

    def _wait_for_the_vendor(self) -> None:
        """Come back later while it is at work: a probe would blame the candidate. A task can be polled all the same."""
        if self.facts.task is TaskFinding.NOT_POLLED:
            return
        for obstacle in self.seen.obstacles:
            if isinstance(obstacle, InProgress):
                raise obstacle

    def _result(self, outcome: str) -> Result:
        wanted = wish(self.bound, self.candidate.document)
        if self.seen.reset_needs is not None and wanted is not None:
            self.seen = bring_to(self.session, self.bound, wanted, self.bound.observe())
        version = self.state.version(self.session.token)
        # A reset that is sent again after its password was found not to open the account still counts as of no use.
        over = (Kind.PARKED,) if outcome == "sent" and self.again else (Kind.PARKED, Kind.FAILED)
        for mark in (mark for kind in over for mark in version.all(kind)):
            self.session.store.unmark(self.session.token, mark)
        return Result(outcome=outcome, driver=self.bound.spec.code)

    def _stop(self, move: Move) -> RotationError:
        if move is Move.KEEP_POLLING:
            return InProgress("the vendor's task is still running")
        if move is Move.PARK_EXTERNAL:
            known_dead.forget(self.session)
            return self._setback.give_up(Reason.EXTERNAL_CHANGE)
        # PARK_LOCKED and RETRY_LATER: a probe said why it could not tell.
        if isinstance(self.unclear, Parked) and self.unclear.reason == Reason.WRONG_LOGIN_BUDGET:
            known_dead.remember(self.session, self.facts)
        return self.unclear or InProgress("could not tell which password is live")

    def _now(self) -> float:
        return self.session.clock.now()

    @property
    def _setback(self) -> Setback:
        return Setback(session=self.session, bound=self.bound, maybe_applied=self.maybe_applied)

    @property
    def _budget(self) -> Budget:
        return Budget(session=self.session, bound=self.bound, version_id=self.session.token)

    def _probe(self, which: Stored) -> None:
        self.session.let_it_apply(self.state.version(self.session.token).intent, self.bound)
        password = self._password(which)
        finding = Finding.ABSENT
        if password is not None:
            finding = self._ask(password)
            self.state = self.session.store.describe()
        if finding is Finding.UNKNOWN and isinstance(self.unclear, CannotVerify) and not self._must_log_in:
            # Nobody can be asked, and less proof is enough: replay until the vendor says a definitive yes.
            self.facts = replace(self.facts, oracle=Oracle.NONE)
            return
        self.facts = self.facts.learned(which, finding)

    def _ask(self, password: Secret) -> Finding:
        try:
            verdict = self._budget.log_in(password, self.state)
        except Parked as locked:
            self.unclear = locked
            return Finding.LOCKED
        except DriverError as unclear:
            self.unclear = unclear
            return Finding.UNKNOWN
        return Finding.ACCEPTED if verdict is Verdict.ACCEPTED else Finding.REJECTED

    def _password(self, which: Stored) -> Secret | None:
        if which is Stored.PENDING:
            return self.candidate.document.password
        if which is Stored.CURRENT:
            return self.current.document.password
        previous = self.session.of_the_same(str(self._fallback), self.bound)
        return None if previous is None else previous.document.password

    def _send(self, move: Move) -> bool:
        """Send one reset. Return whether the vendor took it; ``False`` means that its refusal taught something."""
        old = self._make_ready(move)
        try:
            # A vendor that wants the old password counts a wrong one as a wrong login.
            task = self._change(None) if old is None else self._budget.risk(self.state, lambda: self._change(old))
        except OldPasswordRejected:
            self._learn_old_is_wrong(move)
            return False
        except PasswordReused:
            self._learn_it_was_live()
            return False
        except NotEnoughTime as refusal:
            raise self._refused(refusal) from None
        except RotationError as refusal:
            give_back(self.bound, self.candidate.document)
            if isinstance(refusal, PasswordRejected) and self._was_taken_before():
                return False
            raise self._refused(refusal) from None
        if task is not None:
            self.session.store.mark(self.session.token, marks.task(task.id))
            self._follow(task)
            if self.facts.task is not TaskFinding.DONE:
                return False
        self._note_acceptance()
        return True

    def _change(self, old: Secret | None) -> Task | None:
        self._intend()
        self.session.memory.sends += 1
        task = self.bound.set_password(self.candidate.document.password, current=old)
        self.maybe_applied = True
        return task

    def _make_ready(self, move: Move) -> Secret | None:
        """Do what must be done before the intent. Return the old password, where one is needed."""
        if self._must_log_in:
            require_tries(self.bound)
        if self.session.memory.sends >= MOST_SENDS and self.facts.task is TaskFinding.FAILED:
            raise self._setback.give_up(Reason.RESET_FAILS)
        if self.session.memory.sends >= MOST_SENDS:
            raise InProgress("two resets were sent in this run; the next one looks again")
        for obstacle in self.seen.obstacles:
            raise obstacle
        if self.seen.reset_needs is not None:
            self.seen = bring_to(self.session, self.bound, self.seen.reset_needs, self.seen)
        if self.bound.spec.authority is Authority.ADMIN:
            return None
        return self._password(Stored.PREVIOUS if move is Move.SEND_FROM_PREVIOUS else Stored.CURRENT)

    def _note_acceptance(self) -> None:
        """Write the vendor's definitive yes down, once, where it may have to serve as the proof."""
        needed = self.bound.minimum is not Evidence.LOGIN or self.seen.power is Power.STOPPED
        if needed and not self.state.version(self.session.token).accepted:
            self.session.store.mark(self.session.token, marks.accepted(self._now()))

    def _intend(self) -> None:
        token, store = self.session.token, self.session.store
        mine = marks.intent(self._now())
        before = self.state
        store.mark(token, mine)
        self.state = store.describe()
        version = self.state.versions.get(token)
        if version is None or PENDING not in version.stages or self.state.current_id != before.current_id:
            self._setback.forget_intent()
            raise StageConflict("the labels moved while this rotation ran; nothing was sent")
        if mine not in version.marks:
            self._setback.forget_intent()
            raise NotYetVisible("the note that a reset may be sent cannot be read back yet; nothing was sent")
        for old in sorted(version.marks):
            if old.kind in _VOID and old != mine:
                store.unmark(token, old)
        self.facts = replace(self.facts, intent=True, task=TaskFinding.NONE)

    def _learn_old_is_wrong(self, move: Move) -> None:
        self.state = self.session.store.describe()
        refuted = Stored.PREVIOUS if move is Move.SEND_FROM_PREVIOUS else Stored.CURRENT
        # Even the first request may have arrived twice, and the second is what was refused: the candidate is likeliest.
        self.maybe_applied = True
        self.facts = self.facts.learned(Stored.PENDING, Finding.NOT_ASKED).learned(refuted, Finding.REJECTED)

    def _was_taken_before(self) -> bool:
        """Log in with a refused candidate, if anybody can be asked: one copy of a request may be taken, one refused."""
        if self.maybe_applied or self.facts.oracle is not Oracle.LOGIN or self.seen.reset_needs is not None:
            return False
        self._probe(Stored.PENDING)
        self.maybe_applied = self.facts.pending is not Finding.REJECTED
        return self.facts.pending is Finding.ACCEPTED

    def _learn_it_was_live(self) -> None:
        self.maybe_applied = True
        if self.facts.pending is Finding.REJECTED:
            raise self._setback.give_up(Reason.CANDIDATE_REFUSED)
        self.facts = replace(self.facts, accepted=True, pending=Finding.NOT_ASKED)

    def _refused(self, refusal: RotationError) -> RotationError:
        intent = self.state.version(self.session.token).intent or 0.0
        self.maybe_applied |= refusal.definite and may_be_our_own_doing(refusal, self.bound, intent)
        return self._setback.refused(refusal)

    def _follow(self, task: Task) -> None:
        """Poll until the task ends or the time runs out."""
        while True:
            progress = self.bound.poll(task)
            self.facts = replace(self.facts, task=TASK_FINDINGS[progress.state])
            pause = self.bound.spec.poll_seconds
            if progress.state is not TaskState.RUNNING or self.session.time_left() < pause + RESERVE_SECONDS:
                return
            self.session.clock.sleep(pause)
