"""One UpdateUser after the other against the vendors' simulators, in virtual time: never success without proof."""

from __future__ import annotations

import threading

import pytest

from rotation.core.errors import ConfigError, InProgress, LoginRejected, OutcomeUnknown, Parked, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vendors.faults import FaultKind

VENDOR_POLICIES = vendor_policies()

OLD = Secret("Old-Passw0rd-1234!")
UHOST = "uhost-1"


def candidate(code: str, variant: str | None = None) -> Secret:
    """A password as the server would draw it."""
    policies = VENDOR_POLICIES[code]
    return policies[variant or next(iter(policies))].generate()


def test_a_clean_change_sends_one_reset_and_is_proved(machine) -> None:
    """One reset, a login with the new password, no wrong login."""
    new = candidate("ucloud_compshare")
    assert machine.plugin_server.update(new) is Evidence.LOGIN
    assert machine.live == new
    assert machine.vendor.resets(UHOST) == 1
    assert machine.ssh.rejected["root"] == 0


def test_the_same_password_again_changes_nothing(machine) -> None:
    """The answer was lost and the host asks again: found live by a login, and no second reset."""
    new = candidate("ucloud_compshare")
    machine.plugin_server.update(new)
    assert machine.plugin_server.update(new) is Evidence.LOGIN
    assert machine.vendor.resets(UHOST) == 1


def test_after_a_death_the_vendor_still_shows_what_was_sent(machine) -> None:
    """A new process knows nothing, looks at the vendor first, and sends no second reset."""
    new = candidate("ucloud_compshare")
    machine.plugin_server.update(new)
    machine.plugin_server.die()
    assert machine.plugin_server.update(new) is Evidence.LOGIN
    assert machine.vendor.resets(UHOST) == 1


def test_success_is_never_reported_without_proof(machine) -> None:
    """A guest that ignores the reset ends in an error each time, within the budget of wrong logins."""
    machine.vendor.instance(UHOST).guest_ignores_reset = True
    new = candidate("ucloud_compshare")
    failures = machine.plugin_server.retried(new, attempts=8)
    assert failures[-1] == "gave up"
    assert {*failures[:-1]} <= {LoginRejected.code, Parked.code}
    assert Parked.code in failures
    assert (
        machine.ssh.rejected["root"] <= machine.plugin_server.connection.spec.lockout.budget
        if (machine.plugin_server.connection.spec.lockout)
        else machine.ssh.rejected["root"] <= 3
    )
    assert machine.live == OLD


def test_wrong_logins_are_remembered_across_candidates(machine) -> None:
    """A host that comes with another password each time does not get a fresh budget."""
    machine.vendor.instance(UHOST).guest_ignores_reset = True
    for _ in range(8):
        with pytest.raises(RotationError) as caught:
            machine.plugin_server.update(candidate("ucloud_compshare"))
        machine.plugin_server.clock.sleep(10.0)
    assert machine.ssh.rejected["root"] <= 3
    assert isinstance(caught.value, Parked)
    assert "the next attempt goes on by itself" in caught.value.hint


@pytest.mark.parametrize(
    "kind", [FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.DROP_AFTER, FaultKind.TRUNCATED, FaultKind.HTML]
)
def test_a_fault_before_or_after_the_change_heals_with_the_same_password(directory, kind: FaultKind) -> None:
    """The first call fails, the retry ends with the candidate live."""
    directory.vendor.faults.add("ResetPassword", kind)
    new = candidate("volcengine_cloudidentity")
    failures = directory.plugin_server.retried(new)
    assert failures == [OutcomeUnknown.code]
    assert directory.live == new


def test_another_password_after_a_failure_is_just_the_next_candidate(directory) -> None:
    """Vault throws a password away that failed on a retry: nothing relies on the same one coming back."""
    directory.vendor.faults.add("ResetPassword", FaultKind.ERROR_AFTER)
    first, second = (candidate("volcengine_cloudidentity") for _ in range(2))
    with pytest.raises(OutcomeUnknown):
        directory.plugin_server.update(first)
    assert directory.live == first
    assert directory.plugin_server.update(second) is Evidence.ACCEPTED
    assert directory.live == second


@pytest.mark.parametrize("machine", ["Uhost"], indirect=True)
def test_a_reset_that_outlasts_the_deadline_goes_on_at_the_next_retry(machine) -> None:
    """Stopping and starting take 40 s each, a call has 60 s: several calls bring one reset to its end."""
    new = candidate("ucloud_compshare", "linux")
    failures = machine.plugin_server.retried(new)
    assert failures
    assert {*failures} <= {InProgress.code}
    assert machine.live == new
    assert machine.vendor.resets(UHOST) == 1
    assert machine.vendor.running(UHOST)
    assert machine.ssh.rejected["root"] == 0


@pytest.mark.parametrize("machine", ["Uhost"], indirect=True)
def test_a_machine_that_a_dead_process_stopped_runs_again(machine) -> None:
    """Whatever had been done when the process died, the next one ends with the candidate live and the machine on."""
    new = candidate("ucloud_compshare", "linux")
    failures: list[str] = []
    while True:
        try:
            machine.plugin_server.update(new)
        except RotationError as error:
            failures.append(error.code)
            machine.plugin_server.die()
            machine.plugin_server.clock.sleep(10.0)
            assert len(failures) < 12, failures
        else:
            break
    assert failures
    assert machine.live == new
    assert machine.vendor.running(UHOST)
    assert machine.vendor.resets(UHOST) <= 2


def test_a_role_that_wants_its_machine_off_cannot_be_proved_by_login(machine) -> None:
    """power=stopped is refused before anything is sent, unless less proof is enough."""
    machine.vendor.instance(UHOST).instance_type = "Uhost"
    machine.plugin_server.statements += ("power=stopped",)
    with pytest.raises(ConfigError):
        machine.plugin_server.update(candidate("ucloud_compshare", "linux"))
    assert machine.vendor.attempts(UHOST) == 0


def test_two_calls_for_one_account_do_not_meet(directory) -> None:
    """While one call waits for the vendor, another one for the same account is refused at once and sends nothing."""
    reached, release = threading.Event(), threading.Event()
    hang = {"applied": True, "event": release, "reached": reached}
    directory.vendor.faults.add("ResetPassword", FaultKind.HANG, **hang)
    first, second = (candidate("volcengine_cloudidentity") for _ in range(2))
    found: list[Evidence] = []
    thread = threading.Thread(target=lambda: found.append(directory.plugin_server.update(first)))
    thread.start()
    try:
        assert reached.wait(30)
        with pytest.raises(InProgress):
            directory.plugin_server.update(second)
    finally:
        release.set()
        thread.join(30)
    assert found == [Evidence.ACCEPTED]
    assert directory.live == first


def test_nothing_is_begun_once_the_caller_has_given_up(directory) -> None:
    """With no time left the account is not touched."""
    directory.plugin_server.seconds = 0.0
    with pytest.raises(RotationError):
        directory.plugin_server.update(candidate("volcengine_cloudidentity"))
    assert directory.live == OLD


def test_no_password_stays_in_memory(directory) -> None:
    """Between two calls the process holds marks and a digest."""
    new = candidate("volcengine_cloudidentity")
    directory.plugin_server.update(new)
    kept = repr(vars(directory.plugin_server.memory)) + repr(list(directory.plugin_server.memory._accounts.values()))
    assert new.reveal() not in kept
    assert "verified" in kept


def test_a_candidate_that_breaks_the_policy_is_refused_before_it_is_sent(directory) -> None:
    """The server's default of 20 characters may not fit a vendor; our policy is checked first."""
    with pytest.raises(RotationError) as error:
        directory.plugin_server.update(Secret("short"))
    assert error.value.code == "password_rejected"
    assert directory.live == OLD
