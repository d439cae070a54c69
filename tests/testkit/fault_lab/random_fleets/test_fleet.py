"""Batches, labels from a replica that lags behind, and accounts that stand in two secrets."""

import pytest

from rotation.core.values import Evidence
from rotation.engine import session
from rotation.engine.account import steps
from rotation.engine.batch import batch
from rotation.engine.result import Result
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.secret import GatedSecret
from rotation_testkit.fault_lab.invariants import Violation
from rotation_testkit.fault_lab.random_fleets.play.secret import LAG
from rotation_testkit.fault_lab.random_fleets.play.settle import settle
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, play

BATCHES = ("batch", "batch-task", "batch-self")


@pytest.mark.parametrize("kind", BATCHES)
def test_a_batch_rotates_every_account_once(kind, only):
    """Each account gets one reset, no wrong login and its own password, and nothing is left pending."""
    fleet, member = only(kind)
    fleet.apply({"do": "wait", "seconds": 4000})
    assert fleet.apply({"do": "attempt"}) == "done"
    assert member.in_step
    assert [(vendor.resets, vendor.wrong_logins) for vendor in member.vendors] == [(1, 0)] * len(member.vendors)
    assert len({vendor.live.reveal() for vendor in member.vendors}) == len(member.vendors) > 1
    assert member.secret.holder(PENDING) in (None, member.secret.holder("AWSCURRENT"))
    settle(fleet)


@pytest.mark.parametrize("kind", ["admin", "self", "batch"])
def test_every_secret_is_bound_and_every_candidate_sealed(kind, only):
    """Schedules show the promises of a deployment that demands both."""
    fleet, member = only(kind)
    fleet.apply({"do": "wait", "seconds": 4000})
    assert fleet.apply({"do": "attempt"}) == "done"
    assert member.secret.read(member.secret.holder(CURRENT)).document.notes.seal is not None
    fleet.apply({"do": "wait", "seconds": 86_400})
    member.secret.binding = None
    assert fleet.apply({"do": "attempt"}) == "not_enrolled"


def test_what_somebody_plants_is_not_used(only):
    """Neither a bare candidate nor one with a forged intent and proof, whichever event comes for it."""
    for sent in (False, True):
        fleet, _ = only("self")
        fleet.apply({"do": "wait", "seconds": 4000})
        fleet.apply({"do": "plant", "sent": sent})
        ends = [fleet.apply({"do": "step", "step": step, "back": 1}) for step in ("setSecret", "finishSecret")]
        assert ends == ["candidate_foreign", "candidate_foreign" if sent else "stage_error"]
        settle(fleet)


def test_two_accounts_take_turns(only):
    """Each rotation resets the account that is not current, and what readers had before still opens its account."""
    fleet, member = only("turns")
    resets = []
    for _ in range(3):
        assert fleet.apply({"do": "attempt"}) == "done"
        assert member.in_step
        resets.append(tuple(vendor.resets for vendor in member.vendors))
        fleet.apply({"do": "wait", "seconds": 4000})
    assert resets == [(0, 1), (1, 1), (1, 2)]
    settle(fleet)


def test_a_dead_password_of_two_accounts_that_take_turns_is_a_violation(only, monkeypatch):
    """An engine that resets the account that readers have is found out at that very effect."""
    fleet, member = only("turns")
    monkeypatch.setattr(steps, "turned", lambda document: document)
    monkeypatch.setattr(session, "turned", lambda document: document)
    with pytest.raises(Violation, match=r"^turns"):
        fleet.apply({"do": "attempt"})
    assert member.vendors[0].resets == 1


@pytest.mark.parametrize("kind", BATCHES)
def test_one_account_that_is_held_up_does_not_hold_the_others_up_and_heals(kind, only):
    """The second reset's answer is lost: the proved ones become current, and the next attempt ends the rotation."""
    fleet, member = only(kind)
    fleet.apply({"do": "wait", "seconds": 4000})
    before = member.secret.held[1][member.secret.holder(CURRENT)]
    lost = {"at": "set_password", "nth": 2, "kind": "lost"}
    assert fleet.apply({"do": "attempt", "faults": [lost]}) != "done"
    now = [held[member.secret.holder(CURRENT)] for held in member.secret.held]
    assert now[1] == before
    assert now[0] == member.vendors[0].live
    settle(fleet)
    assert member.tokens == member.tokens[:2]
    assert member.in_step


def test_committing_a_batch_of_which_one_account_is_not_proved_is_a_violation(monkeypatch):
    """An engine that takes nobody's proof is found out by the account whose reset never arrived."""
    unsent = {"at": "set_password", "nth": 2, "kind": "unknown"}
    script = Script(
        ["batch"], [{"do": "attempt", "faults": [unsent]}, {"do": "step", "step": "finishSecret", "back": 1}]
    )
    assert play(script) is None
    monkeypatch.setattr(batch, "_prove", lambda _: Result(outcome="promoted", evidence=Evidence.LOGIN))
    violation = play(script)
    assert violation is not None
    assert violation.invariant == "I2"


def test_each_account_of_a_batch_has_its_own_budget(only, run_of):
    """A wrong login at one account does not count against another."""
    _, member = only("batch")
    run = run_of(member)
    member.wrong_logins = run.wrong
    first, second, _ = member.monitors
    first.wrong_login(late=False)
    second.wrong_login(late=False)
    first.after_run(run)
    second.wrong_login(late=False)
    first.after_run(run)
    with pytest.raises(Violation, match=r"^I6"):
        second.after_run(run)


def lagging_secret(run_of, member, nth):
    """Return the secret as a run sees it whose n-th look at the labels goes to a replica that lags behind."""
    return GatedSecret(member.secret, run_of(member, {"at": "describe", "nth": nth, "kind": "stale"}).gate)


def test_a_stale_look_shows_the_labels_before_the_latest_change_and_not_for_long(only, run_of):
    """The write is durable all the same, and the next look shows it."""
    _, member = only("admin")
    current = member.secret.holder(CURRENT)
    secret = lagging_secret(run_of, member, 2)
    before = secret.describe()
    secret.attach("lockstep:intent:1700000000", current)
    assert secret.describe() == before
    assert secret.describe() != before
    member.clock.sleep(LAG + 1)
    assert lagging_secret(run_of, member, 1).describe() == member.secret.describe()


@pytest.mark.parametrize("kind", ["admin", "self", "task", "accepted"])
@pytest.mark.parametrize("nth", range(1, 15, 2))
def test_a_stale_look_anywhere_heals(kind, nth):
    """Nothing is lost, no reset goes out twice without need, and no wrong login exceeds the budget."""
    stale = {"at": "describe", "nth": nth, "kind": "stale"}
    lost = {"at": "set_password", "nth": 1, "kind": "lost"}
    assert (
        play(Script([kind], [{"do": "attempt", "faults": [stale, lost]}, {"do": "attempt", "faults": [stale]}])) is None
    )


def test_another_secret_of_the_same_account_sets_a_password_that_this_one_does_not_know(only):
    """W57: by the vendor's own rules. Where an API key resets it, the next rotation wins it back."""
    fleet, member = only("admin")
    fleet.apply({"do": "twin"})
    assert not member.in_step
    assert member.vendor.outside
    assert fleet.apply({"do": "attempt"}) == "done"
    assert member.in_step


def test_the_vendors_rules_hold_for_the_other_secret_too(only):
    """A minimum age that our own rotation started keeps the other one's away; later it goes through and we park."""
    fleet, member = only("self")
    fleet.apply({"do": "attempt"})
    fleet.apply({"do": "twin"})
    assert member.in_step
    fleet.apply({"do": "wait", "seconds": 600})
    fleet.apply({"do": "twin"})
    assert not member.in_step
    fleet.apply({"do": "wait", "seconds": 600})
    assert fleet.apply({"do": "attempt"}) == "parked"
    assert member.failure.reason == "external_change"
    settle(fleet)
    assert member.in_step
