"""Facts about the clock."""

import time

import pytest

from rotation.core.clock import SystemClock, date_of


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
