"""One UpdateUser after the other against the vendors' simulators, in virtual time: never success without proof."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from rotation.core.errors import ConfigError, InProgress, LoginRejected, OutcomeUnknown, Parked, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Delays
from rotation_testkit.sandbox.sandbox import ShiftedClock
from rotation_testkit.sandbox.vendors import LINUX_VM, UCLOUD, VOLCENGINE, SandboxAccount, compshare
from rotation_testkit.sandbox.vendors import directory as directory_of_users
from vault_plugin.database.connection import Connection
from vault_plugin.database.memory import Memory
from vault_plugin.database.update import Change, update


@dataclass(kw_only=True)
class PluginProcess:
    """One account behind a plug-in process; ``die`` makes the process forget everything."""

    connection: Connection
    tenant: SandboxAccount
    statements: tuple[str, ...]
    clock: ShiftedClock
    memory: Memory = field(default_factory=Memory)
    seconds: float = 60.0
    vendor: object = None

    def update(self, password: Secret) -> Evidence:
        """Make one call of the host."""
        end = self.clock.now() + self.seconds
        change = Change(
            username=str(self.tenant.document["username"]),
            password=password,
            statements=self.statements,
            time_left=lambda: max(0.0, end - self.clock.now()),
        )
        return update(self.connection, self.memory, change, self.clock)

    def retried(self, password: Secret, attempts: int = 12) -> list[str]:
        """Try the same password every ten seconds, as the host's scheduler does; return the failures' codes."""
        failures: list[str] = []
        for _ in range(attempts):
            try:
                self.update(password)
            except RotationError as error:
                failures.append(error.code)
                self.clock.sleep(10.0)
            else:
                return failures
        return [*failures, "gave up"]

    def die(self) -> None:
        """Stop the function between the two commits."""
        self.memory = Memory()


@contextmanager
def plugin_process(opener, key):
    """Yield a plug-in process with one account of a vendor."""
    clock, code = ShiftedClock(), key.partition("/")[0]
    with opener(clock.now, (key,)) as estate:
        tenant, host = estate.accounts[key], estate.endpoint.removeprefix("http://")
        config = {"driver": code, "endpoint": estate.endpoint, "hosts": host, **estate.admin}
        own = {name: value for name, value in tenant.document.items() if name not in ("driver", "username", "password")}
        statements = tuple(f"{name}={value}" for name, value in own.items())
        connection = Connection.load(config)
        yield PluginProcess(
            connection=connection, tenant=tenant, statements=statements, clock=clock, vendor=estate.simulator
        )


@pytest.fixture
def directory():
    """Yield a user of a directory: nobody can log in, so the vendor's yes is the proof."""
    with plugin_process(directory_of_users, VOLCENGINE) as process:
        yield process


@pytest.fixture
def machine(request):
    """Yield a container, or the account that the parameter names; a machine must be stopped, which takes 40 s."""
    with plugin_process(compshare, getattr(request, "param", UCLOUD)) as process:
        process.vendor.service.delays = Delays(stop=40.0, start=40.0)
        process.uhost = str(process.tenant.document["uhost_id"])
        yield process


def candidate(code: str, variant: str | None = None) -> Secret:
    """Return a password as the server draws it."""
    policies = vendor_policies()[code]
    return policies[variant or next(iter(policies))].generate()


def test_a_clean_change_sends_one_reset_and_is_proved(machine) -> None:
    """A clean call sends one reset and logs in with the new password, without a wrong login."""
    new = candidate("ucloud_compshare")
    assert machine.update(new) is Evidence.LOGIN
    assert machine.tenant.live() == new
    assert machine.tenant.changes() == 1
    assert machine.tenant.wrong_logins() == 0


def test_the_same_password_again_changes_nothing(machine) -> None:
    """After a lost answer the repeated call finds the password live by a login and sends no second reset."""
    new = candidate("ucloud_compshare")
    machine.update(new)
    assert machine.update(new) is Evidence.LOGIN
    assert machine.tenant.changes() == 1


def test_after_a_death_the_vendor_still_shows_what_was_sent(machine) -> None:
    """A new process knows nothing, looks at the vendor first, and sends no second reset."""
    new = candidate("ucloud_compshare")
    machine.update(new)
    machine.die()
    assert machine.update(new) is Evidence.LOGIN
    assert machine.tenant.changes() == 1


def test_success_is_never_reported_without_proof(machine) -> None:
    """A guest that ignores the reset ends in an error each time, within the budget of wrong logins."""
    old = machine.tenant.live()
    machine.vendor.instance(machine.uhost).guest_ignores_reset = True
    new = candidate("ucloud_compshare")
    failures = machine.retried(new, attempts=8)
    assert failures[-1] == "gave up"
    assert {*failures[:-1]} <= {LoginRejected.code, Parked.code}
    assert Parked.code in failures
    lockout = machine.connection.spec.lockout
    assert machine.tenant.wrong_logins() <= (lockout.budget if lockout else 3)
    assert machine.tenant.live() == old


def test_wrong_logins_are_remembered_across_candidates(machine) -> None:
    """A host that brings another password each time does not get a fresh budget."""
    machine.vendor.instance(machine.uhost).guest_ignores_reset = True
    for _ in range(8):
        with pytest.raises(RotationError) as caught:
            machine.update(candidate("ucloud_compshare"))
        machine.clock.sleep(10.0)
    assert machine.tenant.wrong_logins() <= 3
    assert isinstance(caught.value, Parked)
    assert "the next attempt goes on by itself" in caught.value.hint


@pytest.mark.parametrize(
    "kind", [FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.DROP_AFTER, FaultKind.TRUNCATED, FaultKind.HTML]
)
def test_a_fault_before_or_after_the_change_heals_with_the_same_password(directory, kind: FaultKind) -> None:
    """The first call fails, and the retry ends with the candidate live."""
    directory.vendor.faults.add("ResetPassword", kind)
    new = candidate("volcengine_cloudidentity")
    failures = directory.retried(new)
    assert failures == [OutcomeUnknown.code]
    assert directory.tenant.live() == new


def test_another_password_after_a_failure_is_just_the_next_candidate(directory) -> None:
    """Vault drops a password whose retry failed, so the plug-in does not rely on the same one coming back."""
    directory.vendor.faults.add("ResetPassword", FaultKind.ERROR_AFTER)
    first, second = (candidate("volcengine_cloudidentity") for _ in range(2))
    with pytest.raises(OutcomeUnknown):
        directory.update(first)
    assert directory.tenant.live() == first
    assert directory.update(second) is Evidence.ACCEPTED
    assert directory.tenant.live() == second


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_reset_that_outlasts_the_deadline_goes_on_at_the_next_retry(machine) -> None:
    """Stop and start take 40 s each and a call has 60 s, so several calls finish one reset."""
    new = candidate("ucloud_compshare", "linux")
    failures = machine.retried(new)
    assert failures
    assert {*failures} <= {InProgress.code}
    assert machine.tenant.live() == new
    assert machine.tenant.changes() == 1
    assert machine.vendor.running(machine.uhost)
    assert machine.tenant.wrong_logins() == 0


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_machine_that_a_dead_process_stopped_runs_again(machine) -> None:
    """Wherever the process died, the next one ends with the candidate live and the machine running."""
    new = candidate("ucloud_compshare", "linux")
    failures: list[str] = []
    while True:
        try:
            machine.update(new)
        except RotationError as error:
            failures.append(error.code)
            machine.die()
            machine.clock.sleep(10.0)
            assert len(failures) < 12, failures
        else:
            break
    assert failures
    assert machine.tenant.live() == new
    assert machine.vendor.running(machine.uhost)
    assert machine.tenant.changes() <= 2


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_role_that_wants_its_machine_off_cannot_be_proved_by_login(machine) -> None:
    """power=stopped is refused before anything is sent, unless less proof is enough."""
    machine.statements += ("power=stopped",)
    with pytest.raises(ConfigError):
        machine.update(candidate("ucloud_compshare", "linux"))
    assert machine.vendor.attempts(machine.uhost) == 0


def test_two_calls_for_one_account_do_not_meet(directory) -> None:
    """While one call waits for the vendor, another one for the same account is refused at once and sends nothing."""
    reached, release = threading.Event(), threading.Event()
    hang = {"applied": True, "event": release, "reached": reached}
    directory.vendor.faults.add("ResetPassword", FaultKind.HANG, **hang)
    first, second = (candidate("volcengine_cloudidentity") for _ in range(2))
    found: list[Evidence] = []
    thread = threading.Thread(target=lambda: found.append(directory.update(first)))
    thread.start()
    try:
        assert reached.wait(30)
        with pytest.raises(InProgress):
            directory.update(second)
    finally:
        release.set()
        thread.join(30)
    assert found == [Evidence.ACCEPTED]
    assert directory.tenant.live() == first


def test_nothing_is_begun_once_the_caller_has_given_up(directory) -> None:
    """With no time left the account is not touched."""
    old = directory.tenant.live()
    directory.seconds = 0.0
    with pytest.raises(RotationError):
        directory.update(candidate("volcengine_cloudidentity"))
    assert directory.tenant.live() == old


def test_no_password_stays_in_memory(directory) -> None:
    """Between two calls the process holds only marks and a digest."""
    new = candidate("volcengine_cloudidentity")
    directory.update(new)
    kept = repr(vars(directory.memory)) + repr(list(directory.memory._accounts.values()))
    assert new.reveal() not in kept
    assert "proof" in kept


def test_a_candidate_that_breaks_the_policy_is_refused_before_it_is_sent(directory) -> None:
    """The server's default of 20 characters may not fit a vendor, so our policy is checked first."""
    old = directory.tenant.live()
    with pytest.raises(RotationError) as error:
        directory.update(Secret("short"))
    assert error.value.code == "password_rejected"
    assert directory.tenant.live() == old
