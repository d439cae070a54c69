"""CompShare through the handler: containers, machines that are stopped for a reset, and what stands in the way."""

import pytest

from rotation.core.secret import Secret
from rotation.core.values import Power
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind

OLD = Secret("Old-pass-1234")
RESET, START, STOP = "ResetCompShareInstancePassword", "StartCompShareInstance", "StopCompShareInstance"
TROUBLES = {
    "lost": (FaultKind.DROP_BEFORE, {}),
    "answer-lost": (FaultKind.DROP_AFTER, {}),
    "failed": (FaultKind.VENDOR_CODE, {"code": "8433"}),
    "timed-out": (FaultKind.VENDOR_CODE_AFTER, {"code": "110"}),
    "changing": (FaultKind.VENDOR_CODE, {"code": "8905"}),
    "throttled": (FaultKind.THROTTLE, {}),
}


def test_a_container_rotates_while_it_runs(rent, cloud, ssh):
    """It is not stopped for its reset, and the declared propagation time passes before the login."""
    container = rent("Container")
    cloud.service.delays.guest = 4
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.settled()
    instance = cloud.instance("uhost-1")
    assert (instance.stops, instance.starts, instance.resets) == (0, 0, 1)
    assert (ssh.accepted.total(), ssh.rejected.total()) == (1, 0)


def test_a_machine_is_stopped_reset_and_started(rent, cloud, ssh):
    """The calls come in this order, and then a login proves the password."""
    machine = rent()
    assert machine.rotate().state is RotationState.SUCCEEDED
    assert machine.settled()
    changes = [each.operation for each in cloud.requests if not each.operation.startswith("Describe")]
    assert changes == [STOP, RESET, START]
    assert (cloud.instance("uhost-1").state, ssh.accepted.total(), ssh.rejected.total()) == ("Running", 1, 0)
    assert machine.reports[-1]["evidence"] == "LOGIN"


@pytest.mark.parametrize("found", ["Running", "Stopped"])
@pytest.mark.parametrize("wish", ["as_found", "running", "stopped"])
def test_the_wished_power_state_comes_about(rent, cloud, found, wish):
    """Where the machine ends up off, no login is possible, and the vendor's read-back is the evidence."""
    machine = rent(state=found)
    machine.environment["LOCKSTEP_MIN_EVIDENCE"] = "READBACK"
    machine.put({**machine.document(), "power": wish})
    assert machine.rotate().state is RotationState.SUCCEEDED
    assert machine.settled()
    wanted = {"as_found": found, "running": "Running", "stopped": "Stopped"}[wish]
    assert cloud.instance("uhost-1").state == wanted
    assert machine.reports[-1]["evidence"] == ("LOGIN" if wanted == "Running" else "READBACK")


def test_the_found_state_is_durable_before_anything_is_touched(rent, cloud):
    """The power state stands beside the candidate, so a later run can restore it."""
    machine = rent(retries=0)
    cloud.faults.add(STOP, FaultKind.VENDOR_CODE, code="130")
    assert machine.rotate().state is RotationState.FAILED
    assert machine.document("AWSPENDING")["lockstep"].split()[0] == f"power={Power.RUNNING}"
    assert cloud.instance("uhost-1").stops == 0


@pytest.mark.parametrize(
    ("operation", "trouble"),
    [
        *((RESET, each) for each in TROUBLES),
        # Nothing came of "failed" as of "lost", and everything of "timed-out" as of "answer-lost".
        *((STOP, each) for each in ("lost", "timed-out", "changing", "throttled")),
        *((START, each) for each in ("failed", "answer-lost", "changing", "throttled")),
    ],
)
def test_the_machine_runs_again_whatever_happens(rent, cloud, operation, trouble):
    """After one fault in any of the three calls, the current password is live and the machine runs."""
    kind, details = TROUBLES[trouble]
    machine = rent()
    cloud.faults.add(operation, kind, **details)
    assert machine.rotate().state is RotationState.SUCCEEDED, machine.codes()
    assert machine.settled()
    assert cloud.instance("uhost-1").state == "Running"
    assert cloud.resets("uhost-1") <= 2


@pytest.mark.parametrize(
    ("code", "retries"), [("8039", 0), ("299", 0), ("230", 0), ("8010", 0), ("4711", 0), ("8897", 2)]
)
def test_a_refused_reset_gives_the_machine_back(rent, cloud, code, retries):
    """A refused reset does not leave the machine off, at the first attempt or later."""
    machine = rent(retries=retries)
    cloud.faults.add(RESET, FaultKind.VENDOR_CODE, code=code, times=1 + retries)
    assert machine.rotate().state is RotationState.FAILED
    machine.clock.sleep(60)
    assert cloud.instance("uhost-1").state == "Running"
    assert machine.password == OLD == cloud.guest_password("uhost-1")


def test_a_request_that_is_itself_refused_is_sent_once(rent, cloud):
    """The service's next attempt does not repeat it; once the vendor knows the call, a later rotation goes through."""
    machine = rent(retries=1)
    cloud.faults.add(RESET, FaultKind.VENDOR_CODE, code="161")
    assert machine.rotate().state is RotationState.FAILED
    assert machine.codes() == ["request_refused", "parked"]
    assert (machine.errors[0].vendor_code, cloud.resets("uhost-1")) == ("161", 0)
    assert [each.operation for each in cloud.requests].count(RESET) == 1
    assert cloud.instance("uhost-1").starts == 1
    assert "lockstep:intent" not in str(machine.store.labels("lockstep/account"))
    assert machine.next_rotation() is RotationState.SUCCEEDED
    assert machine.settled()


def test_a_start_without_capacity_is_tried_again(rent, cloud):
    """With code 226604 the password is set, and the machine starts as soon as the vendor has capacity."""
    machine = rent(retries=0)
    cloud.service.capacity = False
    assert machine.rotate().state is RotationState.FAILED
    assert {error.vendor_code for error in machine.errors} == {"226604"}
    assert Secret(machine.document("AWSPENDING")["password"]) == cloud.guest_password("uhost-1")
    cloud.service.capacity = True
    assert machine.next_rotation() is RotationState.SUCCEEDED
    assert machine.settled()
    assert (cloud.instance("uhost-1").state, cloud.resets("uhost-1")) == ("Running", 1)


@pytest.mark.parametrize(
    ("facts", "code"), [({"charge_type": "Spot"}, "precondition_failed"), ({"state": "Rebooting"}, "in_progress")]
)
def test_what_cannot_be_reset_is_left_alone(rent, cloud, facts, code):
    """The description shows the obstacle, so nothing is staged, stopped or sent."""
    machine = rent(retries=0, **facts)
    assert machine.rotate().state is RotationState.FAILED
    assert machine.codes() == [code]
    instance = cloud.instance("uhost-1")
    assert (instance.stops, instance.attempts) == (0, 0)
    assert machine.store.value("lockstep/account", stage="AWSPENDING") is None


@pytest.mark.parametrize("kind", ["Container", "UHost"])
def test_arrears_are_reported(rent, cloud, kind):
    """Arrears show only in the refusal of the first change; nothing is lost and the machine still runs."""
    function = rent(kind, retries=0)
    cloud.instance("uhost-1").arrears = True
    assert function.rotate().state is RotationState.FAILED
    assert {(error.code, error.vendor_code) for error in function.errors} == {("account_unusable", "226601")}
    assert "Pay" in function.errors[0].hint
    instance = cloud.instance("uhost-1")
    assert (instance.state, instance.stops, instance.resets) == ("Running", 0, 0)
    instance.arrears = False
    assert function.next_rotation() is RotationState.SUCCEEDED
    assert function.settled()


@pytest.mark.parametrize("named", [True, False])
def test_a_sub_account_names_its_project(rent, cloud, named):
    """Without ``project_id`` the vendor misses a parameter, and the hint names the key."""
    container = rent("Container", retries=0, project_id="org-two")
    key = cloud.add_key(require_project=True)
    container.put({"public_key": key.public_key, "private_key": key.private_key.reveal()}, "lockstep/admin")
    if named:
        container.put({**container.document(), "project_id": "org-two"})
        assert container.rotate().state is RotationState.SUCCEEDED
        assert container.settled()
        return
    assert container.rotate().state is RotationState.FAILED
    assert {error.vendor_code for error in container.errors} == {"220"}
    assert "project_id" in container.errors[0].hint


@pytest.mark.parametrize("kind", ["Container", "UHost"])
def test_a_zero_that_was_none_is_caught_by_the_login(rent, cloud, kind):
    """The API reports success while the guest keeps its password: the old one stays current."""
    function = rent(kind, retries=0)
    cloud.instance("uhost-1").guest_ignores_reset = True
    assert function.rotate().state is RotationState.FAILED
    assert function.codes()[0] == "login_rejected"
    assert function.password == OLD == cloud.guest_password("uhost-1")
    cloud.instance("uhost-1").guest_ignores_reset = False
    assert function.next_rotation() is RotationState.SUCCEEDED
    assert function.settled()


def test_the_readback_is_evidence_where_no_login_can_be_had(rent):
    """A deployment may accept the vendor's read-back where no login is possible."""
    container = rent("Container", pinned=False)
    container.environment["LOCKSTEP_MIN_EVIDENCE"] = "READBACK"
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.reports[-1]["evidence"] == "READBACK"
    assert container.settled()


@pytest.mark.parametrize("methods", [("publickey",), ("publickey", "keyboard-interactive")])
def test_a_host_that_takes_no_passwords_stops_the_rotation_before_the_reset(rent, cloud, ssh, methods):
    """The host is asked for its methods without a login, so nothing is staged, stopped or reset."""
    machine = rent(retries=0)
    ssh.behaviour.methods = methods
    assert machine.rotate().state is RotationState.FAILED
    assert machine.errors[0].vendor_code == "password_method_not_offered"
    instance = cloud.instance("uhost-1")
    assert (instance.stops, instance.resets, ssh.rejected.total()) == (0, 0, 0)
    assert machine.store.value("lockstep/account", stage="AWSPENDING") is None


def test_a_lost_reset_heals_where_the_host_hangs_up_on_a_wrong_password(rent, cloud, ssh):
    """The hang-up is an answer, so the candidate is sent again; it costs one wrong login, as a refusal does."""
    container = rent("Container")
    ssh.behaviour.max_tries = 1
    cloud.faults.add(RESET, FaultKind.DROP_BEFORE)
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.settled()
    assert (cloud.instance("uhost-1").resets, ssh.rejected.total()) == (1, 1)


def test_a_password_that_must_be_changed_first_is_not_committed(rent, cloud, ssh):
    """The login succeeds, but no session opens; when the expiry is lifted, the same reset is proved."""
    container = rent("Container", retries=0)
    ssh.behaviour.must_change = {"root"}
    assert container.rotate().state is RotationState.FAILED
    assert container.errors[0].vendor_code == "password_expired"
    assert container.password == OLD
    ssh.behaviour.must_change = set()
    assert container.next_rotation() is RotationState.SUCCEEDED
    assert container.settled()
    assert (cloud.instance("uhost-1").resets, ssh.rejected.total()) == (1, 0)


def test_the_login_alone_proves_the_password_where_the_deployment_says_so(rent, ssh):
    """A host that opens no session is rotated with LOCKSTEP_SSH_PROOF=login."""
    container = rent("Container")
    ssh.behaviour.sessions = False
    container.environment["LOCKSTEP_UCLOUD_COMPSHARE_SSH_PROOF"] = "login"
    assert container.rotate().state is RotationState.SUCCEEDED
    assert container.settled()
