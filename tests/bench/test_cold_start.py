"""The bench of cold starts rotates as it says, in this process; its figures are measured by ``make bench`` alone."""

from pathlib import Path

import pytest

from bench.calls import STEPS, Function
from bench.cold_start import AT_ONCE, KINDS, Bench
from rotation_testkit.sandbox.sandbox import HUAWEI, open_sandbox


@pytest.fixture
def bench():
    """Start its world with the accounts that it rotates, and nothing packed."""
    accounts = tuple({account for account, *_ in KINDS.values()})
    with open_sandbox(holding=accounts, retry_delays=()) as started:
        yield Bench(started, {}, Path(), Path(), Path())


def test_every_account_rotates_in_every_round(bench):
    """The vendor's least pause between two changes of one meeting account parks no round."""
    steps = []
    within = Function(bench.started, AT_ONCE)

    def function(event):
        steps.append(event["Step"])
        within(event)

    rounds = 0
    for number in range(2):
        bench.new_meeting_account(number)
        for account, *_ in KINDS.values():
            bench.rotate(account, function)
            rounds += 1
    assert steps == [*STEPS] * rounds
    assert bench.started.accounts[HUAWEI] == f"{HUAWEI}-1"


def test_a_rotation_that_fails_ends_the_bench(bench):
    """A figure of a rotation that was parked would be that of something else."""
    bench.new_meeting_account(0)
    within = Function(bench.started, AT_ONCE)
    bench.rotate(HUAWEI, within)
    with pytest.raises(SystemExit, match=f"the rotation of {HUAWEI} was to be a clean one"):
        bench.rotate(HUAWEI, within)
