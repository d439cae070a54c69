"""Facts about the clock."""

import time
from email.utils import formatdate

import pytest

from rotation.core.clock import AGREES_SECONDS, StoreClock, SystemClock, date_of, steady


def test_the_systems_clock_tells_epoch_seconds_and_waits(monkeypatch):
    """``now`` is the system's time, and ``sleep`` waits for as long as it is asked to."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    clock, before = SystemClock(), time.time()
    assert abs(clock.now() - before) < 5
    clock.sleep(2.5)
    assert waits == [2.5]


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_a_clock_that_is_set_during_a_run_changes_no_duration(monkeypatch, jump):
    """The run goes on counting; the next one begins with the new time."""
    real, clock = time.time, SystemClock()
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert 0 <= clock.now() - before < 5
    assert abs(SystemClock().now() - before - jump) < 5


def test_any_number_of_a_label_is_a_date():
    """A forged parking label may name a second that no calendar has; showing it raises nothing."""
    assert [str(date_of(each)) for each in (-1, 0, 1_700_000_000, 999_999_999_999)] == [
        "1970-01-01 00:00:00+00:00",
        "1970-01-01 00:00:00+00:00",
        "2023-11-14 22:13:20+00:00",
        "9999-12-31 23:59:59+00:00",
    ]


class Set:
    """A clock that is set by hand."""

    time = 1_700_000_000.0

    def now(self):
        """Return epoch seconds."""
        return self.time

    def sleep(self, seconds):
        """Move on."""
        self.time += seconds


@pytest.mark.parametrize("ahead", [-600.0, -10.0, 10.0, 600.0, 86_400.0])
def test_the_date_of_an_answer_sets_the_stores_clock(ahead):
    """Whatever the machine's clock says, and again after it was set; in between it goes on."""
    machine, store = Set(), Set()
    machine.time += ahead
    clock = StoreClock(machine)
    assert clock.now() == machine.now()

    for jump in (0.0, -2 * ahead, 3600.0):
        machine.time += jump
        clock.heard(formatdate(store.now(), usegmt=True), 0.0)
        assert abs(clock.now() - store.now()) <= 1 + AGREES_SECONDS
        for each in (machine, store):
            each.sleep(33.3)
        assert abs(clock.now() - store.now()) <= 1 + AGREES_SECONDS


def test_a_clock_that_agrees_is_left_alone():
    """Dates have whole seconds, and an answer may take long: no time goes back and forth for that."""
    machine, store = Set(), Set()
    clock = StoreClock(machine)
    for fraction, before, after in ((0.0, 0.0, 0.1), (0.9, 0.1, 0.2), (0.5, 15.0, 15.0), (0.2, 0.0, 20.0)):
        store.time = machine.time = 1_700_000_000.0 + fraction

        machine.sleep(before + after)
        clock.heard(formatdate(store.now() + before, usegmt=True), before + after)
        assert clock.now() == machine.now()


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Nov 2026 10:00:00 GMT", "1700000600"])
def test_without_a_date_the_machines_clock_counts(date):
    """A proxy may have taken it away."""
    machine = Set()
    clock = StoreClock(machine)
    clock.heard(date, 0.1)
    assert clock.now() == machine.now()


def test_a_run_measures_its_own_time_by_the_machine():
    """No answer of the store gives it more time, or none; waiting is the machine's, too."""
    machine = Set()
    clock, began = StoreClock(machine), machine.now()
    clock.heard(formatdate(began + 600, usegmt=True), 0.0)
    assert clock.now() - began > 500
    assert [steady(each).now() - began for each in (clock, machine)] == [0, 0]
    clock.sleep(2.5)
    assert steady(clock).now() - began == 2.5
