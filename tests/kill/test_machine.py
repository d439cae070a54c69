"""A CompShare virtual machine over the wire: stopped for the reset, running again whatever happens."""

import pytest

from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.processes.mortal_function import MortalFunction
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, UCLOUD, UHOST_ID, world

STEP_SET = 1


def machine(made):
    """Turn the world's container into a virtual machine of the same login."""
    instance = made.ucloud.instance(UHOST_ID)
    instance.instance_type = "UHost"
    return instance


@pytest.fixture
def started():
    """A world with a machine and a function whose processes can die."""
    with world(retry_delays=(60.0,) * 8) as made:
        function = MortalFunction(
            environment=made.environment(), clock=made.clock, client=made.secrets_manager.client(direct=True)
        )
        made.secrets_manager.register_function(FUNCTION_ARN, function)
        yield made, function, machine(made)


def test_a_machine_is_rotated_and_runs_again(started):
    """Stop, wait, reset, start, wait, log in: one reset and no wrong login."""
    made, function, instance = started
    made.secrets_manager.rotate(made.accounts[UCLOUD], function=FUNCTION_ARN)

    assert set(function.errors) <= {"in_progress"}
    assert instance.state == "Running"
    assert made.stored(UCLOUD) == made.live(UCLOUD)
    assert made.changes(UCLOUD) == 1
    assert made.wrong_logins(UCLOUD) == 0


@pytest.mark.slow
@pytest.mark.parametrize("effect", range(7, 20, 3))
def test_a_death_around_the_reset_leaves_no_machine_stopped(started, effect):
    """Every third effect from the lease to the wait for the start; the machine runs in the end."""
    made, function, instance = started
    function.fuses[STEP_SET] = (effect, Edge.AFTER)

    made.secrets_manager.rotate(made.accounts[UCLOUD], function=FUNCTION_ARN)

    assert function.deaths == 1
    assert instance.state == "Running"
    assert made.stored(UCLOUD) == made.live(UCLOUD)
    assert made.changes(UCLOUD) <= 2
    assert made.wrong_logins(UCLOUD) <= 1
