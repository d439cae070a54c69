"""A batch: several accounts in one secret, each with its own password, its own marks and its own outcome.

All accounts are staged together. In between, each account goes through the engine's steps by itself, and none waits
for another: every reset is sent first, then all tasks are polled in turn. The candidate becomes current once each
account is proved. Where one fails, the proved ones become current without it (``in_part``), and the rotation continues
later with those that are left.

createSecret leaves an account out that cannot be rotated now: in the candidate it keeps its current password. Nothing
is sent for it, and setSecret fails with what stands in its way. Once the others are current the candidate is released,
so that the next rotation takes all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from rotation.core.document import SecretDocument, documents, list_key, merged
from rotation.core.errors import (
    IdentityChanged,
    InProgress,
    NotEnoughTime,
    NotReady,
    Parked,
    PasswordRejected,
    PolicyError,
    RotationError,
    StageConflict,
    StoreError,
)
from rotation.core.values import Step
from rotation.drivers.guarded import RESERVE_SECONDS
from rotation.engine.account import steps
from rotation.engine.account.sender import MOST_SENDS
from rotation.engine.account.verify import check_current
from rotation.engine.batch.in_part import commit_in_part
from rotation.engine.batch.members import Member, MemberStore, members
from rotation.engine.outcome.announcing import commit
from rotation.engine.result import MemberResult, Result
from rotation.engine.session import AccountSession, Memory, Session, record_binding
from rotation.state import marks
from rotation.state.label_quota import condense, free, free_for_batch, require_room, require_size, settle
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING
from rotation.state.versions import SecretState

_POLLED_AT_ONCE = 4
"""How many accounts are polled in one ``poll_seconds``; for more the pause grows, since vendors limit calls."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The four steps over the accounts of a batch."""

    session: Session
    key: str
    members: tuple[Member, ...]

    @classmethod
    def of(cls, session: Session, document: SecretDocument) -> Batch | None:
        """Return the batch that a document holds; ``None`` when it is of one account.

        Raises:
            ConfigError: the list has more accounts than a rotation can take; none of them is asked about.
            SecretDocumentError: the list is not usable, or the driver takes no batch.
            SettingsError: an entry's keys are wrong.
        """
        key = list_key(document)
        if key is None:
            return None
        require_size(len(documents(document, key)))
        return cls(session, key, members(session, document, key))

    @property
    def window(self) -> float:
        """How long a wrong login counts, in seconds: the longest of any account's."""
        return max(member.bound.lockout.counts_seconds for member in self.members)

    def create(self, state: SecretState, current: SecretDocument) -> Result:
        """Prepare a candidate for every account, all different, and stage them in one document.

        Raises:
            ConfigError: the batch is too large for the labels that there are.
            RotationError: no account can be rotated now; nothing was changed.
        """
        require_room(state, self.session.token, len(self.members), self.session.clock.now(), self.window)
        results: list[MemberResult] = []
        entries: list[SecretDocument] = []
        for member in self.members:
            entry, result = self._prepared(member)
            if result.error is None and any(entry.password == other.password for other in entries):
                raise PolicyError("the generator drew the same password for two accounts")
            entries.append(entry)
            results.append(result)
        if all(each.error is not None for each in results):
            return self._together("staged", results, state)
        done = Result(outcome="staged", driver=self.members[0].bound.spec.code, members=tuple(results))
        try:
            self.session.store.stage(self.session.token, merged(current, self.key, entries))
        except StageConflict:
            self.session.candidate()
            return replace(done, outcome="adopted", members=())
        return done

    def _prepared(self, member: Member, *, again: bool = True) -> tuple[SecretDocument, MemberResult]:
        """Return an account's entry of the candidate: the current one, with the reason, if it cannot be rotated now.

        What may pass is looked at once more before the account is left out.
        """
        run, pause = self.one(member), float(member.bound.spec.poll_seconds)
        try:
            document, result = steps.prepare(run, run.store.describe(), member.document)
        except (StoreError, NotEnoughTime):
            raise  # no account's own failure
        except RotationError as error:
            may_pass = again and error.retryable and error.not_before is None
            if not may_pass or self.session.time_left() < pause + RESERVE_SECONDS:
                kept = member.document.noting(replace(member.document.notes, left_out=error.code))
                return kept, _failed(member, error)
        else:
            return document, MemberResult(name=member.name, outcome="staged", trusted_host_key=result.trusted_host_key)
        self.session.clock.sleep(pause)
        return self._prepared(member, again=False)

    def verify_current(self, state: SecretState) -> Result:
        """Check whether the current passwords work, each for its account; reset nothing."""
        results = [_outcome(member, self.one(member), _check) for member in self.members]
        return self._together("current_verified", results, state)

    def set_secret(self, state: SecretState) -> Result:
        """Bring the vendor to the candidate for every account, as far as this invocation can."""
        self._require_same_accounts(self.session.candidate().document)
        if state.is_proved(self.session.token, len(self.members)):
            return self._together("found_live", self._each_sent(_test), state)
        self._make_room(state)
        self._forget_spent(state)
        with self.session.lease(state):
            try:
                results = self._rounds()
                results = [self._secured(*each) for each in zip(self.members, results, strict=True)]
            finally:
                with suppress(StoreError):  # each only saves the next run a question
                    self._note_ends()
            if any(each.error is not None for each in results):
                current = commit_in_part(self.session, self.key, self.members)
                results = [
                    replace(each, outcome="current") if each.error is None and member.number in current else each
                    for member, each in zip(self.members, results, strict=True)
                ]
                self._end_if_over(results, state)
            done = self._together("sent", results, state)
        return done if all(each.evidence is not None for each in results) else replace(done, evidence=None)

    def test(self, state: SecretState) -> Result:
        """Prove each account's candidate, now."""
        proved = state.is_proved(self.session.token, len(self.members))
        return self._together("found_proved" if proved else "verified", self._each_sent(_test), state)

    def finish(self, state: SecretState) -> Result:
        """Make the candidate current if every account is proved, and all are the same accounts as in current."""
        done = self._together("promoted", self._each_sent(_prove), state)
        session = self.session
        settled = partial(settle, session.store, session.token)
        commit(session, session.token, done.evidence, state=state, settle=settled)
        return replace(done, binding=record_binding(self.session, [member.bound for member in self.members]))

    def one(self, member: Member, *, patient: bool = True) -> AccountSession:
        """Return a run for one account, which raises ``InProgress`` instead of waiting unless it is ``patient``."""
        session = self.session
        return AccountSession(
            store=MemberStore(session, self.key, member.number, member.bound),
            token=session.token,
            bind=session.bind,
            clock=session.clock,
            time_left=session.time_left if patient else lambda: min(session.time_left(), RESERVE_SECONDS),
            holder=session.holder,
            ordered=session.ordered,
            spend=session.spend,
            memory=session.memory.accounts.setdefault(member.number, Memory(leased=True))
            if session.memory.leased
            else Memory(),
        )

    def _note_ends(self) -> None:
        """Sum up the accounts' outcomes: one intent stands for all, so it says what is true of any of them.

        An account that is not concerned is noted, and so is a task that still runs.
        """
        memory, accounts = self.session.memory, self.session.memory.accounts
        memory.sent_at = max((each.sent_at for each in accounts.values() if each.sent_at is not None), default=None)
        memory.unnoted = any(each.unnoted for each in accounts.values())
        memory.open = any(each.open or each.proved is not None for each in accounts.values())
        state = self.session.store.describe()
        seen = {each.number: state.seen_by(each.number) for each in self.members}
        proofs = {number: each.proof(self.session.token) for number, each in seen.items()}
        proved = {number: proof for number, proof in proofs.items() if proof is not None}
        if len(proved) == len(self.members):
            memory.open, memory.proved = False, min(proved.values())
        for member in self.members:
            own, run = accounts.get(member.number, Memory()), self.one(member)
            if own.task is not None:
                run.store.mark(run.token, marks.task(own.task))
            earlier = seen[member.number].version(run.token).intents_of_others(run.holder)
            if memory.open and not own.open and own.proved is None and member.number not in proved and not earlier:
                run.store.mark(run.token, marks.unsent(run.holder))

    def _require_same_accounts(self, candidate: SecretDocument) -> None:
        """Compare all of them before the first is touched; each is compared once more when its turn comes."""
        own = documents(candidate, self.key)
        if len(own) != len(self.members):
            raise IdentityChanged(f"current and candidate hold different {self.key}")
        for member, document in zip(self.members, own, strict=True):
            try:
                self.session.bind_pair(member.document, document)
            except RotationError as error:
                raise error.prefixed(member.name) from None

    def _make_room(self, state: SecretState) -> None:
        mine = state.versions.get(self.session.token)
        if mine is not None and PENDING in mine.stages:
            for version in state.versions.values():
                if version.id != mine.id:
                    condense(self.session.store, version, current=version.id == state.current_id)
            free(self.session.store, state, self.session.token, self.session.clock.now(), self.window)
            free_for_batch(self.session.store, state, self.session.token, len(self.members))

    def _forget_spent(self, state: SecretState) -> None:
        """Remove packed proofs that do not hold any more, as ``lease.clear`` does with those in labels of their own.

        The intent that this run is about to write would make them valid again.
        """
        version = state.version(self.session.token)
        for member in () if state.is_based_on_current(version) else self.members:
            for mark in sorted(version.members.get(str(member.number), ())):
                if mark.kind in (Kind.PROOF, Kind.ACCEPTED):
                    self.one(member).store.unmark(version.id, mark)

    def _end_if_over(self, results: list[MemberResult], state: SecretState) -> None:
        """Release a candidate of which all is current but what was left out, or was refused and never applied.

        The next rotation makes a fitting one for each account.
        """
        left = [pair for pair in zip(self.members, results, strict=True) if pair[1].outcome != "current"]
        if all(
            self._is_left_out(member) or (_is_refused(each) and self._dead_since(member, state) is None)
            for member, each in left
        ):
            self.session.memory.open = False
            self.session.withdraw()
            self.session.store.release(self.session.token)

    def _rounds(self) -> list[MemberResult]:
        """Send every reset, then look at those that take time again and again."""
        results: dict[int, MemberResult] = {}
        runs = {member.number: self.one(member, patient=False) for member in self.members}
        waiting = list(self.members)
        while True:
            for member in waiting:
                results[member.number] = self._attempt(member, runs[member.number])
            waiting = [each for each in waiting if _may_go_on(results[each.number], runs[each.number])]
            spec = self.members[0].bound.spec
            pause = spec.poll_seconds * (1.0 + len(waiting) // _POLLED_AT_ONCE)
            if not waiting or self.session.time_left() < pause + RESERVE_SECONDS:
                return [results[member.number] for member in self.members]
            self.session.clock.sleep(pause)

    def _attempt(self, member: Member, run: AccountSession) -> MemberResult:
        """Reset one account's password to its candidate, unless an earlier run has proved the candidate."""
        proof = run.store.describe().proof(run.token)
        if proof is not None and not run.memory.sends:
            return MemberResult(name=member.name, outcome="proved_before", evidence=proof)
        act = partial(self._why_left_out, member) if self._is_left_out(member) else partial(steps.run, step=Step.SET)
        return _outcome(member, run, act)

    def _why_left_out(self, member: Member, run: AccountSession) -> Result:
        """Raise what stands in an account's way, as createSecret found it. Nothing is sent, nor waited for."""
        if self._entry(member).notes.left_out is None:
            raise NotReady("its new password is current already; the next rotation makes another one")
        try:
            steps.prepare(run, run.store.describe(), member.document)
        except InProgress as busy:
            raise NotReady(f"{busy.message}; the next rotation takes it, too") from None
        raise NotReady("it could not be rotated when the candidates were made; the next rotation takes it, too")

    def _is_left_out(self, member: Member) -> bool:
        """Return whether the candidate brings an account no new password: createSecret made none, or it is current.

        Where createSecret made none, the candidate has the password from then, which an operator may have replaced.
        """
        own = self._entry(member)
        return own.notes.left_out is not None or own.password == member.document.password

    def _entry(self, member: Member) -> SecretDocument:
        return documents(self.session.candidate().document, self.key)[member.number]

    def _secured(self, member: Member, ended: MemberResult) -> MemberResult:
        """Prove an account whose password needed time, so that no later run needs to touch it again."""
        if ended.error is not None or ended.evidence is not None:
            return ended
        proved = _outcome(member, self.one(member), partial(steps.run, step=Step.TEST))
        if isinstance(proved.error, InProgress | NotReady):
            return ended  # It needs time that this run does not have.
        return proved if proved.error is not None else replace(proved, outcome=ended.outcome)

    def _dead_since(self, member: Member, state: SecretState) -> float | None:
        """Return since when an account's current password may be dead; ``None`` if nothing says so."""
        if self.session.token not in self.session.memory.values or self._is_left_out(member):
            return None
        own = self.session.memory.accounts.get(member.number, Memory())
        sent = state.seen_by(member.number).version(self.session.token).intent
        return own.sent_at if sent is None and (own.open or own.proved is not None) else sent

    def _each_sent(self, act: Callable[[AccountSession], Result]) -> list[MemberResult]:
        """Act for each account; one that createSecret left out fails, since its candidate is no new password."""
        left_out = [self._entry(member).notes.left_out is not None for member in self.members]
        acts = [_not_sent if each else act for each in left_out]
        return [_outcome(member, self.one(member), each) for member, each in zip(self.members, acts, strict=True)]

    def _together(self, outcome: str, results: list[MemberResult], state: SecretState) -> Result:
        """Return the step's result, or raise what went wrong once every account has had its turn.

        ``state`` has the labels as they were when this run began.
        """
        if any(each.error is not None for each in results):
            results = [
                each if each.outcome == "current" else replace(each, dead_since=self._dead_since(member, state))
                for member, each in zip(self.members, results, strict=True)
            ]
            raise _most_urgent(results, len(self.members))
        weakest = min((each.evidence for each in results if each.evidence is not None), default=None)
        return Result(outcome=outcome, driver=self.members[0].bound.spec.code, evidence=weakest, members=tuple(results))


def _may_go_on(ended: MemberResult, run: AccountSession) -> bool:
    """Return whether an account only needs time; one without a task that has used up its resets does not count."""
    if not isinstance(ended.error, InProgress):
        return False
    return run.memory.sends < MOST_SENDS or run.memory.task is not None


def _is_refused(ended: MemberResult) -> bool:
    """Return whether the vendor refused the candidate, in this run or in an earlier one."""
    parked = isinstance(ended.error, Parked) and ended.error.reason == Reason.CANDIDATE_REFUSED
    return parked or isinstance(ended.error, PasswordRejected)


def _outcome(member: Member, run: AccountSession, act: Callable[[AccountSession], Result]) -> MemberResult:
    try:
        result = act(run)
    except RotationError as error:
        return _failed(member, error)
    return MemberResult(name=member.name, outcome=result.outcome, evidence=result.evidence)


def _check(run: AccountSession) -> Result:
    return check_current(run, run.store.describe())


def _not_sent(_: AccountSession) -> Result:
    raise NotReady("it was left out of this rotation, and its reset was not sent")


def _test(run: AccountSession) -> Result:
    _require_sent(run)
    return steps.run(run, Step.TEST)


def _prove(run: AccountSession) -> Result:
    return Result(outcome="promoted", evidence=steps.proof_of(run, _require_sent(run))[1])


def _require_sent(run: AccountSession) -> SecretState:
    state = run.store.describe()
    if state.version(run.token).intent is None:
        raise NotReady("its reset was not sent yet")
    return state


def _failed(member: Member, error: RotationError) -> MemberResult:
    return MemberResult(name=member.name, outcome=error.code, error=error)


def _most_urgent(results: list[MemberResult], of_all: int) -> RotationError:
    """Return the most urgent error, with every account's in it; ``Parked`` only if every failed account is parked."""
    failed = [(each, each.error) for each in results if each.error is not None]
    error = min((error for _, error in failed), key=_urgency)
    each_says = "; ".join(f"{each.name}: {error.message}" for each, error in failed)
    current = sum(each.outcome == "current" for each in results)
    others = f"; the new passwords of {current} others are proved and current" if current else ""
    members = tuple(each.describe() for each in results)
    return error.changed(message=f"{len(failed)} of {of_all} accounts failed: {each_says}{others}", members=members)


def _urgency(error: RotationError) -> tuple[bool, bool, float]:
    return error.retryable, isinstance(error, Parked), error.not_before or 0.0
