"""A batch: several accounts in one secret, each with its own password and outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rotation.core.document import SecretDocument, list_key
from rotation.core.errors import InProgress, LoginRejected, Parked, PreconditionFailed, SettingsError, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Power, Step, Task
from rotation.drivers.guarded import Guarded
from rotation.engine.run import run
from rotation_testkit.fault_lab.in_memory.batch_scenario import KEY, make_batch, outcomes
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.in_memory.scenarios import POLICY
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

SELF = {"authority": Authority.SELF, "history": 5, "lockout": Lockout(tries=5, window_seconds=300)}


def test_a_batch_rotates_in_one_go() -> None:
    """One reset and no wrong login each; every password is another; the result tells how each was proved."""
    scenario = make_batch()
    before = scenario.live()
    assert scenario.rotate(scenario.begin()) == []
    now = scenario.passwords()
    assert now == scenario.live()
    assert len({each.reveal() for each in now + before}) == 6
    assert scenario.counts() == [(1, 0)] * 3
    assert scenario.passwords("AWSPREVIOUS") == before
    assert [result.outcome for result in scenario.results] == ["staged", "sent", "found_proved", "promoted"]
    for result in scenario.results:
        assert [each.name for each in result.members] == ["user-0", "user-1", "user-2"]
    for result in scenario.results[2:]:
        assert {each.evidence for each in result.members} == {Evidence.LOGIN}
    assert scenario.results[-1].evidence is Evidence.LOGIN
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.counts() == [(2, 0)] * 3


def test_what_else_stands_in_the_document_stays() -> None:
    """Unknown keys, shared and own, keep their place before the seal; a single account's form is no batch."""
    scenario = make_batch()
    before = scenario.document()
    scenario.rotate(scenario.begin())
    after = scenario.document()
    assert list(after) == [*before, "lockstep"] == ["driver", "note", KEY, "lockstep"]
    entries: Any = after[KEY]
    assert [(list(each)[:3], each["note"]) for each in entries] == [(["username", "password", "note"], "own")] * 3
    assert list_key(SecretDocument({"driver": "x", "password": "p", KEY: [{"password": "q"}]})) is None
    assert list_key(SecretDocument({"driver": "x", "tags": [{"a": 1}], "ports": [1]})) is None


@pytest.mark.window(36)
def test_one_account_does_not_hinder_the_others() -> None:
    """The others are reset and proved in the same run; later only the one is reset."""
    scenario = make_batch()
    token = scenario.created()
    scenario.vendors[0].obstacles = (PreconditionFailed("the machine is off", hint="Start it."),)
    with pytest.raises(PreconditionFailed) as caught:
        scenario.step(Step.SET, token)
    assert caught.value.hint == "Start it."
    assert outcomes(caught.value) == {"user-0": "precondition_failed", "user-1": "current", "user-2": "current"}
    assert scenario.counts() == [(0, 0), (1, 0), (1, 0)]
    scenario.vendors[0].obstacles = ()
    assert scenario.rotate(token) == []
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(1, 0)] * 3
    sent = next(each for each in scenario.results if each.outcome == "sent")
    assert [each.outcome for each in sent.members] == ["sent", "proved_before", "proved_before"]


def test_the_error_is_the_one_that_needs_a_human_soonest() -> None:
    """A permanent error goes before a passing one, and that before a parked one."""
    scenario = make_batch()
    token = scenario.created()
    off, away = PreconditionFailed("off"), VendorUnavailable("away")
    scenario.vendors[0].obstacles = (away,)
    scenario.vendors[1].obstacles = (off,)
    with pytest.raises(PreconditionFailed) as caught:
        scenario.step(Step.SET, token)
    assert "user-0: away; user-1: off" in caught.value.message
    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)
    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)
    assert set(outcomes(parked.value).values()) == {"parked", "current"}
    assert (parked.value.reason, scenario.counts()) == ("back_off", [(0, 0), (0, 0), (1, 0)])


def test_tasks_run_side_by_side() -> None:
    """Five resets of forty seconds each take forty seconds, not two hundred."""
    scenario = make_batch(5, asynchronous=True, delay_seconds=40.0)
    start = scenario.clock.now()
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.clock.now() - start < 60
    assert scenario.counts() == [(1, 0)] * 5


def test_machines_are_switched_side_by_side_and_back_on() -> None:
    """Each is off for its own reset only, and runs again before the step ends."""
    scenario = make_batch(power=Power.RUNNING, seconds=120.0)
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.passwords() == scenario.live()
    assert [(each.stops, each.starts, each.power) for each in scenario.vendors] == [(1, 1, Power.RUNNING)] * 3
    assert scenario.counts() == [(1, 0)] * 3


def test_a_batch_that_runs_out_of_time_goes_on_later() -> None:
    """Each invocation sees to what it can; nobody is reset twice and no wrong password is shown."""
    scenario = make_batch(asynchronous=True, delay_seconds=150.0, seconds=60.0)
    failures = scenario.rotate(scenario.begin(), spacing=30.0)
    assert set(failures) == {"in_progress"}
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(1, 0)] * 3


class Busy(MemoryVendor):
    """A vendor that looks idle and says that it is at work."""

    def change(self, new: Secret, old: Secret | None) -> Task | None:
        """Refuse for now."""
        del new, old
        raise InProgress("busy")


def test_an_account_that_is_never_ready_is_not_waited_for() -> None:
    """The run ends after the account's second refusal, although there would be time."""
    scenario = make_batch(seconds=600.0)
    last = scenario.vendors[2]
    busy = Busy(now=last.now, initial=last.live, policy=POLICY, username=last.username)
    scenario.vendors = [*scenario.vendors[:2], busy]
    token = scenario.created()
    started = scenario.clock.now()
    with pytest.raises(InProgress):
        scenario.step(Step.SET, token)
    assert scenario.fuse.effects.count("set_password") == 4
    assert scenario.clock.now() - started <= 15


def test_an_account_whose_resets_fail_is_parked_after_three() -> None:
    """At most two of them are made in one run, however long the run waits for the others."""
    scenario = make_batch(asynchronous=True, delay_seconds=12.0, seconds=300.0)
    scenario.vendors[1].task_fails = True
    token = scenario.created()
    with pytest.raises(InProgress):
        scenario.step(Step.SET, token)
    assert [vendor.resets for vendor in scenario.vendors] == [1, 2, 1]
    with pytest.raises(Parked) as caught:
        scenario.step(Step.SET, token)
    assert caught.value.reason == "reset_fails"
    assert [vendor.resets for vendor in scenario.vendors] == [1, 3, 1]
    scenario.vendors[1].task_fails = False
    assert scenario.rotate(token)[-1:] != ["gave up"]
    assert scenario.passwords() == scenario.live()
    assert [vendor.resets for vendor in scenario.vendors] == [1, 4, 1]


def test_a_proof_that_no_longer_holds_is_lost() -> None:
    """Somebody changes one password between setSecret and testSecret: it is reset again, the others are not."""
    scenario = make_batch()
    token = scenario.run_to(Step.SET)
    scenario.forget_proof(token)
    scenario.vendors[1].set_by_hand(Secret("Changed0By0Hand0Pass"))
    with pytest.raises(LoginRejected) as caught:
        scenario.step(Step.TEST, token)
    assert outcomes(caught.value)["user-1"] == "login_rejected"
    assert scenario.rotate(token)[-1:] != ["gave up"]
    assert scenario.passwords() == scenario.live()
    assert [vendor.resets for vendor in scenario.vendors] == [1, 2, 1]


def test_accounts_that_show_their_old_password_heal_like_single_ones() -> None:
    """One of them was restored to the previous password by hand: it is found among the stored ones, within budget."""
    scenario = make_batch(**SELF)
    assert scenario.rotate(scenario.begin()) == []
    scenario.clock.sleep(3600)
    scenario.vendors[1].set_by_hand(scenario.passwords("AWSPREVIOUS")[1])
    token = scenario.begin()
    assert scenario.rotate(token)[-1:] != ["gave up"]
    assert scenario.passwords() == scenario.live()
    assert [vendor.wrong_logins for vendor in scenario.vendors][::2] == [0, 0]
    assert scenario.vendors[1].wrong_logins <= 2
    assert not scenario.vendors[1].locked


def test_a_previous_version_with_other_accounts_is_no_fallback() -> None:
    """After the accounts changed places no password is tried on another account."""
    scenario = make_batch(**SELF)
    scenario.put(scenario.vendors[::-1])
    scenario.put(scenario.vendors)
    scenario.vendors[0].set_by_hand(scenario.vendors[2].live)
    scenario.vendors[2].set_by_hand(Secret("Changed0By0Hand0Pass"))
    failures = scenario.rotate(scenario.begin(), attempts=1)
    assert failures == ["parked", "gave up"]
    assert scenario.vendors[0].resets == 0


def test_without_any_login_the_vendors_yes_is_each_ones_proof() -> None:
    """The vendor's yes is each account's proof, and the result says so."""
    scenario = make_batch(oracle=False)
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.passwords() == scenario.live()
    assert scenario.results[-1].evidence is Evidence.ACCEPTED
    assert scenario.counts() == [(1, 0)] * 3


def test_every_step_may_come_twice() -> None:
    """A repeated step finds its work done."""
    scenario = make_batch()
    token = scenario.begin()
    for step in Step:
        scenario.step(step, token)
        state = scenario.passwords(), scenario.live(), scenario.counts()
        scenario.step(step, token)
        assert (scenario.passwords(), scenario.live(), scenario.counts()) == state
    assert scenario.results[-1].outcome == "already_done"
    assert scenario.results[-1].evidence is Evidence.LOGIN


def test_a_second_run_waits_for_the_first() -> None:
    """Two of setSecret at once: one lease for the whole batch."""
    scenario = make_batch()
    token = scenario.created()
    met: list[str] = []

    def meanwhile(_: str) -> None:
        inner, scenario.fuse = scenario.fuse, Fuse()
        with pytest.raises(InProgress) as caught:
            scenario.step(Step.SET, token)
        met.append(caught.value.message.partition(";")[0])
        scenario.fuse = inner

    scenario.fuse = Fuse(2, only="set_password", error=meanwhile)
    scenario.step(Step.SET, token)
    assert set(met) == {"another run holds this secret's lease"}
    assert scenario.counts() == [(1, 0)] * 3


def test_a_parallel_create_makes_one_candidate() -> None:
    """The run that stages second takes the first run's candidate."""
    scenario = make_batch()
    token = scenario.begin()

    def meanwhile(_: str) -> None:
        scenario.fuse = Fuse()
        scenario.step(Step.CREATE, token)

    scenario.fuse = Fuse(1, only="stage", error=meanwhile)
    assert scenario.step(Step.CREATE, token).outcome == "adopted"
    assert scenario.rotate(token) == []
    assert scenario.passwords() == scenario.live()


def test_a_proved_batch_is_made_current_without_a_vendor() -> None:
    """The accounts are only compared, so no admin credential is needed any more, in whichever step is repeated."""
    scenario = make_batch()
    token = scenario.run_to(Step.TEST)

    def broken(_: object) -> Guarded:
        raise SettingsError("environment", ("the admin credential is gone",))

    for step in (Step.SET, Step.TEST, Step.FINISH):
        session = scenario.session(token)
        run(replace(session, bind=broken, identify=session.bind), step)
    assert scenario.passwords() == scenario.live()
