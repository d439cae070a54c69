"""A vendor that takes every reset, and a host that refuses every login: few power cycles, and a reason."""

import pytest

from rotation.core.errors import LoginRejected, Parked, VendorUnavailable
from rotation.core.values import Power, Step, Verdict
from rotation.engine.account.refusals import MOST_RESENDS
from rotation.state.parking import Reason
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

DAY = 86_400


@pytest.fixture
def hopeless(world, monkeypatch):
    """A machine whose host refuses root's password whatever it is, as sshd does with PermitRootLogin."""
    scenario = world("machine")
    plain = MemoryVendor.log_in

    def refuse(vendor, password):
        if vendor.power is Power.STOPPED or vendor._switching is not None:
            return plain(vendor, password)
        vendor.wrong_logins += 1
        return Verdict.REJECTED

    monkeypatch.setattr(MemoryVendor, "log_in", refuse)
    return scenario


@pytest.mark.parametrize("spacing", [60, 600, 3600])
def test_a_day_of_retries_stops_the_machine_a_few_times(hopeless, spacing):
    """However often the service comes back; the pause doubles, and the machine runs in between."""
    token, codes = hopeless.begin(), []
    end = hopeless.clock.now() + DAY
    while hopeless.clock.now() < end:
        codes += hopeless.rotate(token, attempts=1, spacing=spacing)[:1]

    assert hopeless.vendor.stops <= 16
    assert hopeless.vendor.wrong_logins <= 2 * hopeless.vendor.stops
    assert hopeless.vendor.power is Power.RUNNING
    assert codes[: MOST_RESENDS + 1] == ["login_rejected"] * MOST_RESENDS + ["parked"]


def test_the_reason_names_the_host(hopeless):
    """It is written down, holds until a moment, and says where to look."""
    token = hopeless.begin()
    hopeless.rotate(token, attempts=MOST_RESENDS)
    hopeless.step(Step.SET, token)
    with pytest.raises(Parked) as parked:
        hopeless.step(Step.TEST, token)

    assert parked.value.reason == Reason.RESET_FAILS
    assert "PermitRootLogin" in parked.value.hint
    assert parked.value.not_before > hopeless.clock.now()
    assert hopeless.secret.describe().version(token).parked == ("reset_fails", parked.value.not_before)


def test_asking_again_about_one_reset_counts_once(hopeless):
    """A repeated testSecret is no further power cycle."""
    token = hopeless.begin()
    hopeless.step(Step.CREATE, token)
    hopeless.step(Step.SET, token)
    for _ in range(2):
        with pytest.raises(LoginRejected):
            hopeless.step(Step.TEST, token)

    assert hopeless.secret.describe().version(token).failed == 1


def test_it_heals_once_the_host_lets_root_in(hopeless, monkeypatch):
    """Nobody needs to tell Lockstep: the attempt after the pause finds the candidate live, or sends it once more."""
    token = hopeless.begin()
    hopeless.rotate(token, attempts=MOST_RESENDS + 2)
    monkeypatch.undo()
    before = hopeless.vendor.resets

    failures = hopeless.rotate(token, attempts=12, spacing=1800)

    assert set(failures) <= {"parked"}
    assert hopeless.password() == hopeless.vendor.live
    assert hopeless.vendor.resets <= before + 1


def test_turned_away_attempts_before_the_first_reset_do_not_count(world, monkeypatch):
    """An outage that ended says nothing about the resets after it."""
    scenario = world("admin")
    token = scenario.begin()
    scenario.step(Step.CREATE, token)

    def is_down(*_):
        raise VendorUnavailable("the vendor is down")

    with monkeypatch.context() as outage:
        outage.setattr(MemoryVendor, "change", is_down)
        scenario.rotate(token, attempts=4)
    assert scenario.secret.describe().version(token).failed == 4
    scenario.clock.sleep(3600)
    scenario.step(Step.SET, token)

    assert scenario.secret.describe().version(token).failed == 0
