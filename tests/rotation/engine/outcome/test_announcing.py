"""A rotation announces what happened, once in a clean run; a commit is announced after a death, too, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Unpack

import pytest

from rotation.core.errors import (
    InProgress,
    LoginRejected,
    OutcomeUnknown,
    RotationError,
    StoreUnavailable,
    VendorUnavailable,
)
from rotation.core.event import Details, EventKind
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.engine.run import verify
from rotation.state.marks import Kind
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import KINDS

CLEAN = ["staged", "sent", "proved", "committed"]
Made = Callable[..., Scenario]


@dataclass
class Heard:
    """A target that notes what it gets, and may refuse, or die like a function whose time is over."""

    refuses: bool = False
    dies: bool = False
    said: list[tuple[EventKind, str | None, Evidence | None, str | None]] = field(default_factory=list)

    def __call__(self, kind: EventKind, token: str | None, **details: Unpack[Details]) -> bool:
        """Take an event."""
        if self.dies:
            raise Crash
        if not self.refuses:
            self.said.append((kind, token, details.get("evidence"), details.get("reason")))
        return not self.refuses

    def kinds(self) -> list[str]:
        """Return the kinds since the last call."""
        found = [str(kind) for kind, *_ in self.said]
        self.said.clear()
        return found


@pytest.fixture
def heard() -> Heard:
    """Return a target."""
    return Heard()


@pytest.fixture
def made(world: Made, heard: Heard) -> Made:
    """Make a scenario whose events are heard."""

    def make(kind: str = "admin", *, early: bool = False) -> Scenario:
        scenario = world(kind)
        scenario.announce, scenario.early = heard, early
        return scenario

    return make


def owed(scenario: Scenario) -> list[str]:
    """Return the versions whose commit somebody has not heard of."""
    return [each.id for each in scenario.secret.describe().versions.values() if each.all(Kind.OWED)]


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_clean_rotation_announces_each_event_once(made: Made, heard: Heard, kind: str, *, early: bool) -> None:
    """Committed comes with the evidence and after the value has become current; early commits say the same."""
    scenario = made(kind, early=early)
    token = scenario.run_to(Step.FINISH)
    assert {each[1] for each in heard.said} == {token}
    assert [each[2] for each in heard.said if each[0] in ("proved", "committed")] == [Evidence.LOGIN] * 2
    assert sorted(heard.kinds()) == sorted(CLEAN)
    assert scenario.secret.describe().current_id == token


def test_committed_is_announced_after_the_commit_and_before_the_labels_are_settled(made: Made, heard: Heard) -> None:
    """A target that looks sees the new value, and the former version's intent is still there to repeat by."""
    scenario = made()
    scenario.run_to(Step.FINISH)
    seen = []

    def look(kind: EventKind, token: str | None, **fields: object) -> bool:
        state = scenario.secret.describe()
        if kind is EventKind.COMMITTED:
            seen.append((state.current_id == token, bool(state.version(state.previous_id or "").intents)))
        return heard(kind, token, **fields)  # type: ignore[arg-type]  # passed on as they came

    scenario.announce = look
    scenario.run_to(Step.FINISH)
    assert seen == [(True, True)]


@pytest.mark.parametrize("early", [False, True])
def test_a_run_that_dies_between_commit_and_announcement_is_repeated_and_announces(
    made: Made, heard: Heard, *, early: bool
) -> None:
    """The service runs the step again, which finds its work done; a secret's first rotation is no exception."""
    scenario = made(early=early)
    last = Step.SET if early else Step.FINISH
    token = scenario.created() if early else scenario.run_to(Step.TEST)
    heard.dies = True
    with pytest.raises(Crash):
        scenario.step(last, token)
    assert scenario.secret.describe().current_id == token
    heard.dies = False
    heard.kinds()
    scenario.step(last, token)
    assert heard.said == [(EventKind.COMMITTED, token, Evidence.LOGIN, None)]
    assert owed(scenario) == []


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("first", [True, False])
def test_a_commit_whose_run_died_is_announced_by_the_next_check_and_rotation(
    made: Made, heard: Heard, *, first: bool, early: bool
) -> None:
    """Where nobody repeats the step: labels show the commit, by a note where a first rotation leaves none to settle."""
    scenario = made(early=early)
    if not first:
        scenario.run_to(Step.FINISH)
        scenario.clock.sleep(86_400)
    died = scenario.created() if early else scenario.run_to(Step.TEST)
    heard.dies = True
    with pytest.raises(Crash):
        scenario.step(Step.SET if early else Step.FINISH, died)
    heard.dies = False
    scenario.clock.sleep(86_400)
    heard.said.clear()
    verify(scenario.session())
    assert heard.said == [(EventKind.COMMITTED, died, Evidence.LOGIN, None)]
    scenario.run_to(Step.FINISH)
    again = [] if first else [(EventKind.COMMITTED, died, Evidence.LOGIN, None)]
    assert heard.said[1:-4] == again
    assert sorted(heard.kinds()[-4:]) == sorted(CLEAN)


def test_a_death_before_a_noted_commit_announces_nothing(made: Made, heard: Heard) -> None:
    """A note on a candidate that is not current says nothing; the commit that follows takes it away."""
    scenario = made()
    token = scenario.run_to(Step.TEST)
    scenario.fuse = Fuse(only="move", at=1)
    with pytest.raises(Crash):
        scenario.step(Step.FINISH, token)
    scenario.fuse = Fuse()
    assert owed(scenario) == [token]
    heard.kinds()
    with pytest.raises(LoginRejected):
        verify(scenario.session())
    assert heard.kinds() == ["drift"]
    scenario.step(Step.FINISH, token)
    assert heard.kinds() == ["committed"]
    assert owed(scenario) == []


@pytest.mark.parametrize("before", [0, 1])
def test_a_target_that_is_down_fails_nothing_and_hears_of_the_commit_at_the_next_run(
    made: Made, heard: Heard, before: int
) -> None:
    """The mark `owed` stays on the new current version until every target has taken the event."""
    scenario = made()
    for _ in range(before):
        scenario.run_to(Step.FINISH)
        scenario.clock.sleep(86_400)
    heard.kinds()
    heard.refuses = True
    token = scenario.run_to(Step.FINISH)
    assert owed(scenario) == [token]
    verify(scenario.session())
    assert owed(scenario) == [token]
    heard.refuses = False
    verify(scenario.session())
    assert heard.said == [(EventKind.COMMITTED, token, Evidence.LOGIN, None)]
    assert owed(scenario) == []
    heard.kinds()
    verify(scenario.session())
    assert heard.kinds() == []


def test_later_rotations_read_and_write_nothing_for_it(made: Made, world: Any) -> None:
    """The labels that the commit settles show whether it was announced; only the first rotation has none."""

    def effects(scenario: Scenario) -> list[str]:
        scenario.run_to(Step.FINISH)
        scenario.clock.sleep(86_400)
        scenario.fuse = Fuse()
        scenario.run_to(Step.FINISH)
        return scenario.fuse.effects

    assert effects(made()) == effects(world("admin"))


@pytest.mark.parametrize("verb", ["attach", "detach"])
def test_a_note_that_cannot_be_written_or_taken_away_fails_no_commit(made: Made, heard: Heard, verb: str) -> None:
    """Of a first rotation, whose finishSecret writes nothing else beside the commit."""
    scenario = made()
    token = scenario.run_to(Step.TEST)
    heard.kinds()
    scenario.fuse = Fuse(only=verb, at=1, error=lambda _: StoreUnavailable("down"))
    scenario.step(Step.FINISH, token)
    assert scenario.fuse.blown
    assert (heard.kinds(), scenario.secret.describe().current_id) == (["committed"], token)


def test_a_value_that_an_operator_corrected_is_no_commit(made: Made, heard: Heard) -> None:
    """The wrong login that labels of the former value tell of is left over, and no rotation was."""
    scenario = made()
    scenario.vendor.set_by_hand(Secret("Changed0Outside0Cha"))
    with pytest.raises(LoginRejected):
        verify(scenario.session())
    scenario.put_by_hand(password="Changed0Outside0Cha")
    heard.kinds()
    verify(scenario.session())
    assert heard.kinds() == []


def test_an_owed_commit_is_announced_by_the_next_rotation_and_then_forgotten(made: Made, heard: Heard) -> None:
    """Its mark uses up no label for longer."""
    scenario = made()
    heard.refuses = True
    first = scenario.run_to(Step.FINISH)
    heard.refuses = False
    scenario.clock.sleep(86_400)
    scenario.run_to(Step.FINISH)
    assert heard.said[0][:2] == (EventKind.COMMITTED, first)
    assert owed(scenario) == []


def test_a_lost_answer_is_sent_and_failed_and_then_proved(made: Made, heard: Heard) -> None:
    """What may have been sent is said even where the attempt fails; the reason is the error's code."""
    scenario = made("self")
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)
    assert heard.said[-1] == (EventKind.FAILED, token, None, "outcome_unknown")
    assert heard.kinds() == ["staged", "sent", "failed"]
    scenario.clock.sleep(600)
    scenario.rotate(token)
    assert [each for each in heard.kinds() if each not in ("staged", "sent")] == ["proved", "committed"]


@pytest.mark.parametrize(
    ("error", "kinds"),
    [(VendorUnavailable("down", unsent=True), ["staged", "failed"]), (InProgress("later"), ["staged"])],
    ids=["a failure", "more time"],
)
def test_what_ends_before_the_reset_says_nothing_of_a_reset(
    made: Made, heard: Heard, error: RotationError, kinds: list[str]
) -> None:
    """A reader of `sent` may rely on it that current may be dead; a step that only needs time has not failed."""
    scenario = made()
    token = scenario.created()
    scenario.fuse = Fuse(only="observe", at=1, error=lambda _: error)
    with pytest.raises(type(error)):
        scenario.step(Step.SET, token)
    assert heard.kinds() == kinds


def test_a_parked_attempt_says_why(made: Made, heard: Heard) -> None:
    """The reason is the word of the label, and it is no failure."""
    scenario = made("self")
    scenario.run_to(Step.FINISH)
    heard.kinds()
    with pytest.raises(RotationError, match="too soon"):
        scenario.run_to(Step.SET)
    assert {(kind, reason) for kind, _, _, reason in heard.said} == {(EventKind.PARKED, "too_soon")}


def test_a_dead_current_password_is_drift(made: Made, heard: Heard) -> None:
    """The check says which version does not open the account; a vendor that cannot be asked says nothing."""
    scenario = made()
    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: VendorUnavailable("down", unsent=True))
    with pytest.raises(RotationError):
        verify(scenario.session())
    assert heard.kinds() == []
    scenario.fuse = Fuse()
    scenario.vendor.set_by_hand(Secret("Changed0Outside0Cha"))
    with pytest.raises(RotationError):
        verify(scenario.session())
    assert heard.said == [(EventKind.DRIFT, "version-0", None, "login_rejected")]
