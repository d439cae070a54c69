"""Real process death after every single effect of a rotation, over the wire, for each driver and a virtual machine."""

import json
from contextlib import contextmanager

import pytest

from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.processes.isolated_function import start_fork_server
from rotation_testkit.processes.mortal_function import MortalFunction
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, UHOST_ID, open_sandbox

DRIVERS = (HUAWEI, UCLOUD)
STEPS, STEP_SET = 4, 1
NEVER = 0
"""The effect at which a fuse does not blow."""


@pytest.fixture(scope="module", autouse=True)
def fork_server():
    """Start the server of the processes, which imports everything once."""
    start_fork_server()


@contextmanager
def started(*, direct=True, retries=8):
    """Start a sandbox in which the service retries after 60 s, as long as a death may hold the lease.

    A login that nobody saw the end of may be the host's last wrong one within 15 minutes, so later retries wait longer.
    The invocation that dies is always over the wire; those before and after it are so unless ``direct``.
    """
    with open_sandbox(retry_delays=((60.0,) * 5 + (900.0,) * 3)[:retries]) as sandbox:
        client = sandbox.secrets_manager.client(direct=direct)
        function = MortalFunction(environment=sandbox.environment(), clock=sandbox.clock, client=client)
        sandbox.secrets_manager.register_function(FUNCTION_ARN, function)
        yield sandbox, function


@pytest.fixture
def machine():
    """A sandbox, its function, and its container as a virtual machine of the same login."""
    with started() as (sandbox, function):
        instance = sandbox.ucloud.instance(UHOST_ID)
        instance.instance_type = "UHost"
        yield sandbox, function, instance


def rotate(sandbox, code):
    """Rotate as the schedule does, with the service's retries."""
    sandbox.secrets_manager.rotate(sandbox.accounts[code], function=FUNCTION_ARN)


def assert_healed(sandbox, code, where=""):
    """Check that current is live, after one reset more at most and one wrong login at most."""
    assert sandbox.stored(code) == sandbox.live(code), where
    assert sandbox.changes(code) <= 2, where
    assert sandbox.wrong_logins(code) <= 1, where


@pytest.fixture(scope="module")
def effects():
    """How many effects each step has when nothing goes wrong, by driver; each step in a process of its own."""
    return {code: clean_rotation(code) for code in DRIVERS}


def clean_rotation(code):
    """Check that there is one reset, no wrong login, and the former value as previous; return the effects."""
    with started(direct=False) as (sandbox, function):
        function.fuses = dict.fromkeys(range(STEPS), (NEVER, Edge.AFTER))
        before = sandbox.stored(code)
        rotate(sandbox, code)

        assert (function.deaths, function.errors) == (0, [])
        assert len(function.effects) == STEPS
        assert sandbox.stored(code) == sandbox.live(code) != before
        assert sandbox.stored(code, "AWSPREVIOUS") == before
        assert (sandbox.changes(code), sandbox.wrong_logins(code)) == (1, 0)
        return [len(each) for each in function.effects]


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("code", DRIVERS)
def test_a_death_after_any_effect_heals(effects, code, step):
    """The service's own retries end in current = live, with one reset more at most and one wrong login at most.

    For a process, dying after an effect is dying before the next one; only the last of a step has none after it. Before
    the first of a step is after the last of the step before, so that only the very first is tested by itself.
    """
    last = effects[code][step]
    deaths = [(number, Edge.BEFORE) for number in range(1 if step == 0 else 2, last + 1)]
    for death in [*deaths, (last, Edge.AFTER)]:
        with started() as (sandbox, function):
            function.fuses[step] = death

            rotate(sandbox, code)

            where = f"{code}, step {step}, {death}: {function.errors}"
            assert function.deaths == 1, where
            assert_healed(sandbox, code, where)


def announcing(sandbox, function, place):
    """Let a function announce to a file, and return the kind and token of each event after a rotation."""
    function.environment = {**function.environment, "LOCKSTEP_EVENTS_LINES": str(place)}
    rotate(sandbox, UCLOUD)
    return [(each["kind"], each["token"]) for each in map(json.loads, place.read_text().splitlines())]


def test_a_commit_is_announced_after_a_death_right_behind_it(tmp_path):
    """A secret's first rotation, which has no labels to settle: the service's retry says it; without one, the watch."""
    with started() as (sandbox, function):
        clean = announcing(sandbox, function, tmp_path / "clean.jsonl")
        finish = sandbox.secrets_manager.calls[-len(function.effects[-1]) :]
        commit = [any(move.label == "AWSCURRENT" for move in each.moves) for each in finish].index(True) + 1
    with started() as (sandbox, function):
        function.fuses[STEPS - 1] = (commit, Edge.AFTER)
        events = announcing(sandbox, function, tmp_path / "died.jsonl")
        assert (function.deaths, function.errors) == (1, [])
        assert [kind for kind, _ in events] == [kind for kind, _ in clean]
        assert len({token for _, token in events}) == 1
    with started(retries=0) as (sandbox, function):
        function.fuses[STEPS - 1] = (commit, Edge.AFTER)
        events = announcing(sandbox, function, tmp_path / "gave_up.jsonl")
        assert "committed" not in dict(events)
        function({"lockstep": "watch"})
        said = [json.loads(line) for line in (tmp_path / "gave_up.jsonl").read_text().splitlines()[len(events) :]]
        assert [(each["kind"], each["token"]) for each in said] == [("committed", events[0][1])]


def test_a_machine_is_rotated_and_runs_again(machine):
    """A virtual machine is stopped, reset, started and logged in to: one reset and no wrong login."""
    sandbox, function, instance = machine
    rotate(sandbox, UCLOUD)

    assert set(function.errors) <= {"in_progress"}
    assert instance.state == "Running"
    assert sandbox.stored(UCLOUD) == sandbox.live(UCLOUD)
    assert (sandbox.changes(UCLOUD), sandbox.wrong_logins(UCLOUD)) == (1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("effect", range(6, 20, 3))
def test_a_death_around_the_reset_leaves_no_machine_stopped(machine, effect):
    """The machine runs in the end after a death at every third effect from the lease to the wait for the start."""
    sandbox, function, instance = machine
    function.fuses[STEP_SET] = (effect, Edge.AFTER)

    rotate(sandbox, UCLOUD)

    assert function.deaths == 1
    assert instance.state == "Running"
    assert_healed(sandbox, UCLOUD)
