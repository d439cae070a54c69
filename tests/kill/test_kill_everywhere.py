"""Real process death after every single effect of a rotation, over the wire, for each driver."""

from contextlib import contextmanager

import pytest

from rotation.testing.fuse import Edge
from rotation.testing.killing import MortalFunction
from rotation.testing.world import FUNCTION_ARN, HUAWEI, UCLOUD, world

DRIVERS = (HUAWEI, UCLOUD)
STEPS = 4
MOST_EFFECTS = 24
"""More than any step has; a fuse past the last effect never blows, which ends the walk."""


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


@pytest.mark.parametrize("code", DRIVERS)
def test_a_clean_rotation_over_the_wire(code):
    """One reset, no wrong login, current is live, and the former value is kept as previous."""
    with started(direct=False) as (made, function):
        before = made.stored(code)
        rotate(made, code)

        assert function.errors == []
        assert len(function.effects) == STEPS
        assert made.stored(code) == made.live(code) != before
        assert made.stored(code, "AWSPREVIOUS") == before
        assert made.changes(code) == 1
        assert made.wrong_logins(code) == 0


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("code", DRIVERS)
def test_a_death_after_any_effect_heals(code, step):
    """The service's own retries end in current = live, with one reset more at most and one wrong login at most.

    For a process, dying before an effect is dying after the one before it; the first has its own turn.
    """
    for effect in range(MOST_EFFECTS):
        with started(direct=True) as (made, function):
            function.fuses[step] = (effect, Edge.AFTER) if effect else (1, Edge.BEFORE)

            rotate(made, code)

            if function.deaths == 0:
                assert effect > 1
                return
            where = f"{code}, step {step}, after effect {effect}: {function.errors}"
            assert made.stored(code) == made.live(code), where
            assert made.changes(code) <= 2, where
            assert made.wrong_logins(code) <= 1, where
    raise AssertionError("a step has more effects than this test walks through")
