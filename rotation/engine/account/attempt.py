"""What one invocation of setSecret knows and finds out while it reconciles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rotation.core.errors import CannotVerify, DriverError, Parked, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, Power, Task, TaskState, Verdict
from rotation.drivers.guarded import BY_STATE, RESERVE_SECONDS, Guarded
from rotation.engine.account.login_budget import Budget
from rotation.engine.session import AccountSession
from rotation.engine.tables.reconciliation import Facts, Finding, Stored, TaskFinding
from rotation.state import marks
from rotation.state.store import StoredValue, replace_marks
from rotation.state.versions import SecretState, Version


@dataclass(slots=True)
class Attempt:
    """One invocation's knowledge.

    Attributes:
        state: the labels as last read.
        seen: what the target looked like last.
        facts: what the reconciliation table decides by.
        maybe_applied: whether a reset with this candidate can have reached the account, by any attempt so far.
        again: whether earlier runs may have sent it.
        unclear: why the last probe could not tell.
        reused: whether the vendor said in this run that the candidate was used before.
    """

    session: AccountSession
    bound: Guarded
    state: SecretState
    current: StoredValue
    candidate: StoredValue
    seen: Observation
    facts: Facts = field(init=False)
    maybe_applied: bool = field(init=False)
    again: bool = field(init=False)
    unclear: RotationError | None = None
    reused: bool = False

    def __post_init__(self) -> None:
        memory = self.session.memory
        self.maybe_applied = self.again = memory.open or self.version.intent is not None
        facts = Facts(
            intent=self.maybe_applied,
            authority=self.bound.spec.authority,
            oracle=self.must_log_in or self.bound.can_ask(self.seen),
            accepted=self.version.accepted,
            reachable=self.seen.power is not Power.STOPPED,
            cancelled=not self.maybe_applied and self.state.cancelled_id(self.session.token) is not None,
            turned_away=self.version.is_turned_away,
            task=TaskFinding.NONE if self.task is None else TaskFinding.NOT_POLLED,
            previous=Finding.NOT_ASKED if Stored.PREVIOUS in self.ids else Finding.ABSENT,
        )
        learnt = self.version.learnt
        self.facts = facts.remembered({each: learnt[_name(of)] for each, of in self.ids.items() if _name(of) in learnt})

    @property
    def version(self) -> Version:
        """The candidate's version, as last read, without what this run's own intent says."""
        return self.state.version(self.session.token).before(self.session.holder)

    @property
    def task(self) -> str | None:
        """The vendor's task of the latest reset, if one is known."""
        return self.session.memory.task or self.version.task

    @property
    def sent_at(self) -> float:
        """When the latest reset was sent, in epoch seconds."""
        return self.session.memory.sent_at or self.version.intent or 0.0

    @property
    def budget(self) -> Budget:
        """The wrong logins that this run may spend."""
        return Budget(session=self.session, bound=self.bound, version_id=self.session.token)

    @property
    def must_log_in(self) -> bool:
        """Whether only a login counts as proof."""
        return self.bound.minimum is Evidence.LOGIN or self.bound.spec.authority is Authority.SELF

    @property
    def ids(self) -> Mapping[Stored, str]:
        """The version of each stored password; "previous" is what to try when current is dead.

        That is a cancelled candidate that may have been sent, or else the former current version.
        """
        found = {Stored.PENDING: self.session.token, Stored.CURRENT: self.current.version_id}
        former = self.state.cancelled_id(self.session.token) or self.state.previous_id
        return found if former is None else {**found, Stored.PREVIOUS: former}

    def password(self, which: Stored) -> Secret | None:
        """Return a stored password; ``None`` where there is none of this account."""
        if which is Stored.PENDING:
            return self.candidate.document.password
        if which is Stored.CURRENT:
            return self.current.document.password
        previous = self.session.of_the_same(self.state, self.ids.get(Stored.PREVIOUS, ""), self.bound)
        return None if previous is None else previous.document.password

    def probe(self, which: Stored) -> None:
        """Log in with a stored password, and note what was found."""
        self.session.let_it_apply(self.version, self.bound)
        password = self.password(which)
        finding = Finding.ABSENT
        if password is not None:
            finding = self._ask(password)
            if finding in (Finding.ACCEPTED, Finding.REJECTED):
                self.remember(which, finding)
            self.state = self.session.store.describe()
        if finding is Finding.UNKNOWN and isinstance(self.unclear, CannotVerify) and not self.must_log_in:
            # No login is possible and less proof is enough: send again until the vendor definitively accepts.
            self.facts = replace(self.facts, oracle=False)
            return
        self.facts = self.facts.learned(which, finding)

    def _ask(self, password: Secret) -> Finding:
        try:
            verdict = self.budget.log_in(password, self.state)
        except Parked as locked:
            self.unclear = locked
            return Finding.LOCKED
        except DriverError as unclear:
            self.unclear = unclear
            return Finding.UNKNOWN
        return Finding.ACCEPTED if verdict is Verdict.ACCEPTED else Finding.REJECTED

    def follow(self, task: Task) -> None:
        """Poll until the task ends or the time runs out, and note what was found.

        If the task still runs when this run ends, it is written down for the next run.
        """
        memory, pause = self.session.memory, self.bound.spec.poll_seconds
        memory.task = task.id
        early = task == BY_STATE and memory.sends > 0  # the target may still show its state of before
        while True:
            state = TaskState.RUNNING if early else self.bound.poll(task).state
            early = False
            if state is not TaskState.RUNNING:
                memory.task = None
            self.facts = replace(self.facts, task=TaskFinding(state.value))
            if state is not TaskState.RUNNING or self.session.time_left() < pause + RESERVE_SECONDS:
                return
            self.session.clock.sleep(pause)

    def remember(self, which: Stored, finding: Finding) -> None:
        """Write down at once what a login with a stored password found, since the run may end before its next move.

        A machine may take longer to stop than the run may last, or the budget of wrong logins is spent. Without the
        note, the next run would ask the same again, for ever. It holds until the next reset is sent, or until a human
        is called. An accepted candidate gets its proof instead; of a rejected one, nothing may say that it is live.
        """
        if (which, finding) == (Stored.PENDING, Finding.ACCEPTED):
            return
        if which is Stored.PENDING:
            self.session.disprove(self.session.store.describe().version(self.session.token))
        self._note(self.ids[which], finding.value)

    def remember_turned_away(self) -> None:
        """Write down that the vendor refused the request because it was at work, so that no login asks about it."""
        self._note(self.session.token, marks.TURNED_AWAY)

    def _note(self, version_id: str, learnt: str) -> None:
        version = self.session.store.describe().version(self.session.token)
        note = marks.learnt({**version.learnt, _name(version_id): learnt})
        replace_marks(self.session.store, self.session.token, [note], version.all(marks.Kind.LEARNT))


def _name(version_id: str) -> str:
    return version_id[-8:]
