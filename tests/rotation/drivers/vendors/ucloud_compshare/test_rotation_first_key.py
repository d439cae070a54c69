"""CompShare through the handler where no host key is pinned: refused, or learnt once and pinned from then on."""

import pytest

from rotation.core.document import Notes
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind


@pytest.fixture
def container(rent):
    """The rotation function of a container; the secret names no key of the host."""
    made = rent("Container", pinned=False)
    made.environment["LOCKSTEP_SSH_TRUST_ON_FIRST_USE"] = "1"
    return made


@pytest.mark.parametrize("switch", ["", "0", "false"])
def test_it_is_off_unless_switched_on(container, cloud, ssh, switch):
    """Without the switch nothing is staged or sent, and the host is not contacted."""
    container.environment["LOCKSTEP_SSH_TRUST_ON_FIRST_USE"] = switch
    assert container.rotate_once().state is RotationState.FAILED
    assert set(container.codes()) == {"config_error"}
    assert "LOCKSTEP_SSH_TRUST_ON_FIRST_USE" in container.errors[0].hint
    assert (cloud.attempts("uhost-1"), ssh.connections) == (0, 0)


def test_the_first_key_is_learnt_and_reported(container, ssh):
    """The step createSecret learns the key without a login, reports it and stores it beside the candidate."""
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.reports[0]["trusted_host_key"] == ssh.host_key
    assert [report.get("trusted_host_key") for report in container.reports[1:]] == [None] * 3
    assert Notes.read(container.document()["lockstep"]).host_key == ssh.host_key
    assert "host_key" not in container.document()
    assert container.settled()
    assert (ssh.accepted.total(), ssh.rejected.total()) == (1, 0)


def test_the_key_is_durable_before_anything_changes(container, cloud, ssh):
    """A host that takes the place of the first one after createSecret gets no password."""
    cloud.faults.add("ResetCompShareInstancePassword", FaultKind.THROTTLE)
    assert container.rotate_once().state is RotationState.FAILED
    learnt = Notes.read(container.document("AWSPENDING")["lockstep"]).host_key
    ssh.change_host_key()
    container.errors.clear()
    assert container.next_rotation() is RotationState.FAILED
    assert {(error.code, error.vendor_code) for error in container.errors} == {("cannot_verify", "host_key_changed")}
    assert Notes.read(container.document("AWSPENDING")["lockstep"]).host_key == learnt != ssh.host_key
    assert container.password == cloud.guest_password("uhost-1") == container.first
    assert (ssh.accepted.total(), ssh.rejected.total()) == (0, 0)


def test_a_learnt_key_is_kept_when_the_switch_is_off_again(container, ssh, clock):
    """Later rotations use it as a pin and learn nothing; after a reinstallation the operator's key replaces it."""
    assert container.rotate().state is RotationState.SUCCEEDED
    container.environment.pop("LOCKSTEP_SSH_TRUST_ON_FIRST_USE")
    assert container.rotate().state is RotationState.SUCCEEDED
    assert [report.get("trusted_host_key") for report in container.reports] == [ssh.host_key] + [None] * 7
    ssh.change_host_key()
    container.put({**container.document(), "host_key": ssh.host_key})
    clock.sleep(700)  # a late request of the rotation before may still arrive
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.codes() == []


@pytest.mark.parametrize(
    ("misbehave", "code"),
    [
        (lambda ssh: ssh.change_host_key(), "host_key_changed"),
        (lambda ssh: ssh.__exit__(None, None, None), "port_closed"),
    ],
    ids=["key", "closed"],
)
def test_a_host_that_could_not_be_asked_afterwards_is_met_before_anything_changes(
    container, cloud, ssh, misbehave, code
):
    """Nothing is staged or sent, and there is no login."""
    container.put({**container.document(), "host_key": ssh.host_key})
    pinned = container.document()
    misbehave(ssh)
    assert container.rotate_once().state is RotationState.FAILED
    assert {(error.code, error.vendor_code) for error in container.errors} == {("cannot_verify", code)}
    assert container.document() == pinned
    assert (cloud.attempts("uhost-1"), ssh.accepted.total(), ssh.rejected.total()) == (0, 0, 0)
    assert cloud.guest_password("uhost-1") == container.first
