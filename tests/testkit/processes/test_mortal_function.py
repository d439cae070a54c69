"""Real process death after every single effect of a rotation, over the wire, for each driver."""

from contextlib import contextmanager

import pytest

from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.processes.mortal_function import MortalFunction
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, world

DRIVERS = (HUAWEI, UCLOUD)
STEPS = 4
NEVER = 0
"""The effect at which a fuse does not blow."""


@contextmanager
def started(*, direct):
    """A world in which the service retries after 60 s, as long as a death may hold the lease.

    The invocation that dies is always over the wire; those before and after it are so unless ``direct``.
    """
    with world(retry_delays=(60.0,) * 8) as made:
        function = MortalFunction(
            environment=made.environment(), clock=made.clock, client=made.secrets_manager.client(direct=direct)
        )
        made.secrets_manager.register_function(FUNCTION_ARN, function)
        yield made, function


def rotate(made, code):
    """Rotate as the schedule does, with the service's retries."""
    made.secrets_manager.rotate(made.accounts[code], function=FUNCTION_ARN)


@pytest.fixture(scope="module")
def effects():
    """How many effects each step has when nothing goes wrong, by driver; each step in a process of its own."""
    return {code: clean_rotation(code) for code in DRIVERS}


def clean_rotation(code):
    """One reset, no wrong login, current is live, and the former value is kept as previous."""
    with started(direct=False) as (made, function):
        function.fuses = dict.fromkeys(range(STEPS), (NEVER, Edge.AFTER))
        before = made.stored(code)
        rotate(made, code)

        assert (function.deaths, function.errors) == (0, [])
        assert len(function.effects) == STEPS
        assert made.stored(code) == made.live(code) != before
        assert made.stored(code, "AWSPREVIOUS") == before
        assert made.changes(code) == 1
        assert made.wrong_logins(code) == 0
        return [len(each) for each in function.effects]


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("code", DRIVERS)
def test_a_death_after_any_effect_heals(effects, code, step):
    """The service's own retries end in current = live, with one reset more at most and one wrong login at most.

    For a process, dying after an effect is dying before the next one; only the last of a step has none after it. Before
    the first of a step is after the last of the step before, and so only the very first has its own turn.
    """
    last = effects[code][step]
    deaths = [(number, Edge.BEFORE) for number in range(1 if step == 0 else 2, last + 1)]
    for death in [*deaths, (last, Edge.AFTER)]:
        with started(direct=True) as (made, function):
            function.fuses[step] = death

            rotate(made, code)

            where = f"{code}, step {step}, {death}: {function.errors}"
            assert function.deaths == 1, where
            assert made.stored(code) == made.live(code), where
            assert made.changes(code) <= 2, where
            assert made.wrong_logins(code) <= 1, where
