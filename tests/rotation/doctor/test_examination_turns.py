"""The doctor of two accounts that take turns: each version's password is tried at the account that it names."""

from __future__ import annotations

import pytest

from rotation.core.errors import InProgress, OutcomeUnknown
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.doctor import Action, Condition, Verb, examine, heal
from rotation.doctor.advice import RESET_IN_TURN
from rotation.doctor.dry_run import Status, rehearse
from rotation.doctor.findings import Content, PasswordState
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import make_pair

KINDS = [{}, {"oracle": False}, {"oracle": False, "readback": True}, {"delay_seconds": 45.0, "asynchronous": True}]
OUTSIDE = Secret("Outside0Password0Out")


def readers_are_served(pair: Scenario) -> bool:
    """Return whether current's password opens the account that current names."""
    value = pair.secret.read(str(pair.secret.describe().current_id))
    sides = {each.username: each for each in (pair.other, pair.vendor) if each is not None}
    return value is not None and sides[value.document.text("username")].live == value.document.password


def wrong_logins(pair: Scenario) -> list[int]:
    """Return the wrong logins at both accounts."""
    return [each.wrong_logins for each in (pair.other, pair.vendor) if each is not None]


@pytest.mark.parametrize("rotations", [0, 1, 2])
def test_a_healthy_pair_is_checked_at_the_account_that_readers_have(rotations: int) -> None:
    """One login is enough, and the other account is not asked."""
    pair = make_pair()
    for _ in range(rotations):
        assert pair.rotate(pair.begin()) == []
        pair.clock.sleep(86_400)
    diagnosis = examine(pair.session())
    assert (diagnosis.condition, diagnosis.plan) == (Condition.HEALTHY, ())
    current = diagnosis.findings.current
    assert current is not None
    assert current.bound is not None
    assert current.bound.username == ("alice" if rotations % 2 == 0 else "bob")
    assert wrong_logins(pair) == [0, 0]


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("kind", KINDS)
def test_a_rotation_whose_answer_was_lost_is_ended_and_readers_are_served_all_the_time(
    kind: dict[str, object], edge: Edge
) -> None:
    """Both current and a candidate that was applied are live, and the candidate's rotation goes on to its end."""
    pair = make_pair(**kind)
    token = pair.created()
    pair.reset_ends_with(token, OutcomeUnknown("lost"), edge)
    assert readers_are_served(pair)
    for _ in range(3):
        pair.clock.sleep(900)
        diagnosis = examine(pair.session())
        assert diagnosis.dead_since is None
        outcome = heal(pair.session(), diagnosis)
        assert readers_are_served(pair)
        if outcome.condition is Condition.HEALTHY:
            break
    assert outcome.condition is Condition.HEALTHY
    assert pair.secret.describe().current_id == token
    assert wrong_logins(pair)[0] == 0


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_live_candidate_is_made_current_although_current_is_live_too(kind: dict[str, object]) -> None:
    """The doctor does not take it for a second version of the same password, which it would drop."""
    pair = make_pair(**kind)
    token = pair.run_to(Step.SET)
    diagnosis = examine(pair.session())
    assert diagnosis.plan == (Action(Verb.PROMOTE, token),)
    assert "its account's turn can end" in diagnosis.summary
    assert heal(pair.session(), diagnosis).condition is Condition.HEALTHY
    assert pair.secret.describe().current_id == token


def test_a_candidate_that_was_never_sent_is_dropped() -> None:
    """Readers keep the account that they have, and the other one is not asked."""
    pair = make_pair()
    token = pair.created()
    assert heal(pair.session()).done == (Action(Verb.RELEASE, token),)
    assert wrong_logins(pair) == [0, 0]


def test_readers_get_the_former_account_where_current_was_changed_outside() -> None:
    """The former value opens its own account until that one's turn comes, so it is given back to readers."""
    pair = make_pair()
    first = pair.secret.describe().current_id
    assert pair.rotate(pair.begin()) == []
    pair.vendor.change(OUTSIDE, None)
    diagnosis = examine(pair.session())
    assert diagnosis.plan == (Action(Verb.PROMOTE, str(first)),)
    assert heal(pair.session(), diagnosis).condition is Condition.HEALTHY
    assert readers_are_served(pair)
    assert pair.rotate(pair.begin()) == []
    assert readers_are_served(pair)


def test_the_same_password_of_both_accounts_is_asked_about_twice() -> None:
    """It may open the one and not the other, so an answer counts for the versions of its own account."""
    pair = make_pair()
    assert pair.rotate(pair.begin()) == []
    former = pair.secret.describe().current_id
    pair.put_by_hand(username="alice", alternate_username="bob", password=pair.password())
    diagnosis = examine(pair.session())
    assert diagnosis.plan == (Action(Verb.PROMOTE, str(former)),)
    assert wrong_logins(pair) == [1, 0]


def test_no_login_is_made_while_the_vendor_is_at_work_on_the_account_whose_turn_it_is() -> None:
    """The account that readers have shows nothing of that, so both are looked at."""
    pair = make_pair()
    pair.reset_ends_with(pair.created(), OutcomeUnknown("lost"), Edge.BEFORE)
    pair.clock.sleep(900)
    pair.vendor.obstacles = (InProgress("the user is being changed"),)
    assert examine(pair.session()).condition is Condition.WAITING
    assert wrong_logins(pair) == [0, 0]


def test_a_rotation_helps_where_no_stored_password_is_live() -> None:
    """The advice names the other account's turn, and that rotation gives readers a live password."""
    pair = make_pair()
    pair.other.change(OUTSIDE, None)
    diagnosis = examine(pair.session())
    assert (diagnosis.condition, diagnosis.advice) == (Condition.HUMAN, RESET_IN_TURN)
    assert diagnosis.dead_since is None
    assert pair.rotate(pair.begin()) == []
    assert readers_are_served(pair)


@pytest.mark.parametrize("edge", list(Edge))
def test_a_candidate_for_the_account_that_was_made_current_by_hand_is_not_sent_again(edge: Edge) -> None:
    """It is promoted where its reset was applied; else a human is called, since a reset would hit readers."""
    pair = make_pair()
    assert pair.rotate(pair.begin()) == []
    former = pair.password("AWSPREVIOUS")
    token = pair.created()
    pair.reset_ends_with(token, OutcomeUnknown("lost"), edge)
    assert former is not None
    pair.put_by_hand(username="alice", alternate_username="bob", password=former)
    pair.clock.sleep(900)
    diagnosis = examine(pair.session())
    resets = pair.other.resets
    if edge is Edge.AFTER:
        assert diagnosis.plan == (Action(Verb.PROMOTE, token),)
    else:
        assert diagnosis.condition is Condition.HUMAN
        assert diagnosis.findings.pending is not None
        assert diagnosis.findings.pending.content is Content.FOREIGN
    heal(pair.session(), diagnosis)
    assert readers_are_served(pair)
    assert pair.other.resets == resets


def test_labels_of_the_other_accounts_candidate_are_kept() -> None:
    """Current's login says nothing about a cancelled candidate that may be live for the other account."""
    pair = make_pair()
    token = pair.created()
    pair.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)
    pair.strip_pending(token)
    pair.clock.sleep(10_000)
    for number in range(12):
        pair.secret.attach(f"kept-{number}", "version-0")
    diagnosis = examine(pair.session())
    assert "too few" in diagnosis.summary
    assert not [action for action in diagnosis.plan if action.verb is Verb.SETTLE]
    assert token in pair.secret.describe().versions
    findings = diagnosis.findings
    assert findings.current is not None
    assert findings.current.password is PasswordState.LIVE


def test_a_dry_run_says_whose_turn_it_is_and_checks_that_account() -> None:
    """An obstacle at the other account stops it, and one at the account that readers have does not."""
    pair = make_pair()
    checks = {check.name: check for check in rehearse(pair.session())}
    assert checks["turn"].detail == "bob is reset next, and readers keep alice until it is proved"
    assert not [each for each in checks.values() if each.status in (Status.STOPS, Status.WAITS)]
    for side, stops in ((pair.other, []), (pair.vendor, ["target"])):
        side.obstacles = (OutcomeUnknown("the user is disabled"),)
        found = rehearse(pair.session())
        assert [check.name for check in found if check.status in (Status.STOPS, Status.WAITS)] == stops
        side.obstacles = ()
    assert pair.rotate(pair.begin()) == []
    assert "alice is reset next, and readers keep bob" in str(rehearse(pair.session()))
