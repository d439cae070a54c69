"""One UpdateUser after the other against the vendors' simulators, in virtual time: never success without proof."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from rotation.core.errors import ConfigError, InProgress, LoginRejected, OutcomeUnknown, Parked, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.drivers.registry import vendor_policies
from rotation.state.parking import Reason
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Delays
from rotation_testkit.sandbox.sandbox import LINUX_VM, UCLOUD, VOLCENGINE, ShiftedClock
from rotation_testkit.sandbox.vendors import SandboxAccount, sandbox_module
from vault_plugin.database.codes import as_grpc
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

    def update(self, password):
        """Make one call of the host."""
        end = self.clock.now() + self.seconds
        change = Change(
            username=str(self.tenant.document["username"]),
            password=password,
            statements=self.statements,
            time_left=lambda: max(0.0, end - self.clock.now()),
        )
        return update(self.connection, self.memory, change, self.clock)

    def retried(self, password, attempts=12, between=lambda: None):
        """Try the same password every ten seconds, as the host's scheduler does; return the failures' codes."""
        failures = []
        for _ in range(attempts):
            try:
                self.update(password)
            except RotationError as error:
                failures.append(error.code)
                between()
                self.clock.sleep(10.0)
            else:
                return failures
        return [*failures, "gave up"]

    def die(self):
        """Forget everything, as a new process does."""
        self.memory = Memory()


@contextmanager
def plugin_process(key):
    """Yield a plug-in process with one account of a vendor."""
    clock, code = ShiftedClock(), key.partition("/")[0]
    with sandbox_module(code).serve(clock.now, (key,)) as estate:
        tenant, host = estate.accounts[key], estate.endpoint.removeprefix("http://")
        config = {"driver": code, "endpoint": estate.endpoint, "hosts": host, **estate.admin}
        own = {name: value for name, value in tenant.document.items() if name not in ("driver", "username", "password")}
        statements = tuple(f"{name}={value}" for name, value in own.items())
        connection, vendor = Connection.load(config), estate.simulator
        yield PluginProcess(connection=connection, tenant=tenant, statements=statements, clock=clock, vendor=vendor)


@pytest.fixture
def directory():
    """Yield a user of a directory: nobody can log in, so the vendor's yes is the proof."""
    with plugin_process(VOLCENGINE) as process:
        yield process


@pytest.fixture
def machine(request):
    """Yield a container, or the account that the parameter names; a machine must be stopped, which takes 40 s."""
    with plugin_process(getattr(request, "param", UCLOUD)) as process:
        process.vendor.service.delays = Delays(stop=40.0, start=40.0)
        process.uhost = str(process.tenant.document["uhost_id"])
        yield process


def candidate(code, variant=None):
    """Return a password as the server draws it."""
    policies = vendor_policies()[code]
    return policies[variant or next(iter(policies))].generate()


def test_a_change_sends_one_reset_and_a_repetition_none(machine):
    """Each call proves the password by a login; a repeated one finds it live, and so does a new process."""
    new = candidate(UCLOUD)
    for before in (lambda: None, lambda: None, machine.die):
        before()
        assert machine.update(new) is Evidence.LOGIN
        assert (machine.tenant.live(), machine.tenant.changes(), machine.tenant.wrong_logins()) == (new, 1, 0)


def test_success_is_never_reported_without_proof(machine):
    """A guest that ignores the reset ends in an error each time, within the budget of wrong logins."""
    old = machine.tenant.live()
    machine.vendor.instance(machine.uhost).guest_ignores_reset = True
    new = candidate(UCLOUD)
    failures = machine.retried(new, attempts=8)
    assert failures.pop() == "gave up"
    assert {Parked.code} <= {*failures} <= {LoginRejected.code, Parked.code}
    lockout = machine.connection.spec.lockout
    assert machine.tenant.wrong_logins() <= (lockout.budget if lockout else 3)
    assert machine.tenant.live() == old


def test_wrong_logins_are_remembered_across_candidates(machine):
    """A host that brings another password each time does not get a fresh budget."""
    machine.vendor.instance(machine.uhost).guest_ignores_reset = True
    for _ in range(8):
        with pytest.raises(RotationError) as caught:
            machine.update(candidate(UCLOUD))
        machine.clock.sleep(10.0)
    assert machine.tenant.wrong_logins() <= 3
    assert isinstance(caught.value, Parked)
    assert "The first attempt after that time continues." in caught.value.hint


@pytest.mark.parametrize(
    "kind", [FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.DROP_AFTER, FaultKind.TRUNCATED, FaultKind.HTML]
)
def test_a_fault_before_or_after_the_change_heals_with_the_same_password(directory, kind):
    """The first call fails, and the retry ends with the candidate live."""
    directory.vendor.faults.add("ResetPassword", kind)
    new = candidate(VOLCENGINE)
    assert directory.retried(new) == [OutcomeUnknown.code]
    assert directory.tenant.live() == new


def test_another_password_after_a_failure_is_just_the_next_candidate(directory):
    """Vault drops a password whose retry failed, so the plug-in does not rely on the same one coming back."""
    directory.vendor.faults.add("ResetPassword", FaultKind.ERROR_AFTER)
    first, second = (candidate(VOLCENGINE) for _ in range(2))
    with pytest.raises(OutcomeUnknown):
        directory.update(first)
    assert directory.tenant.live() == first
    assert directory.update(second) is Evidence.ACCEPTED
    assert directory.tenant.live() == second


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_reset_that_outlasts_the_deadline_goes_on_at_the_next_retry(machine):
    """Stop and start take 40 s each and a call has 60 s, so several calls finish one reset."""
    new = candidate(UCLOUD, "linux")
    failures = machine.retried(new)
    assert {*failures} == {InProgress.code}
    assert (machine.tenant.live(), machine.tenant.changes(), machine.tenant.wrong_logins()) == (new, 1, 0)
    assert machine.vendor.running(machine.uhost)


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_machine_that_a_dead_process_stopped_runs_again(machine):
    """Wherever the process died, the next one ends with the candidate live and the machine running."""
    new = candidate(UCLOUD, "linux")
    failures = machine.retried(new, between=machine.die)
    assert failures[-1] != "gave up", failures
    assert machine.tenant.live() == new
    assert machine.vendor.running(machine.uhost)
    assert machine.tenant.changes() <= 2


@pytest.mark.parametrize("machine", [LINUX_VM], indirect=True)
def test_a_role_that_wants_its_machine_off_cannot_be_proved_by_login(machine):
    """power=stopped is refused before anything is sent, unless less proof is enough."""
    machine.statements += ("power=stopped",)
    with pytest.raises(ConfigError):
        machine.update(candidate(UCLOUD, "linux"))
    assert machine.vendor.attempts(machine.uhost) == 0


def test_two_calls_for_one_account_do_not_meet(directory):
    """While one call waits for the vendor, another one for the same account is refused at once and sends nothing."""
    reached, release = threading.Event(), threading.Event()
    hang = {"applied": True, "event": release, "reached": reached}
    directory.vendor.faults.add("ResetPassword", FaultKind.HANG, **hang)
    first, second = (candidate(VOLCENGINE) for _ in range(2))
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


def test_no_password_stays_in_memory(directory):
    """Between two calls the process holds only marks and a digest."""
    new = candidate(VOLCENGINE)
    directory.update(new)
    kept = repr(vars(directory.memory)) + repr(list(directory.memory._accounts.values()))
    assert new.reveal() not in kept
    assert "proof" in kept


@pytest.mark.parametrize(
    ("seconds", "password", "code"),
    [
        pytest.param(0.0, candidate(VOLCENGINE), "not_enough_time", id="the caller has given up"),
        # The server's default of 20 characters may not fit a vendor, so our policy is checked first.
        pytest.param(60.0, Secret("short"), "password_rejected", id="the policy is broken"),
    ],
)
def test_what_is_refused_at_first_changes_nothing(directory, seconds, password, code):
    """A call without time and a candidate that breaks the policy are refused before anything is sent."""
    old = directory.tenant.live()
    directory.seconds = seconds
    with pytest.raises(RotationError) as error:
        directory.update(password)
    assert (error.value.code, directory.tenant.live()) == (code, old)


def test_a_candidate_of_the_servers_own_policy_that_a_vendor_refuses_is_refused_with_the_way_out(directory):
    """OpenBao sends a refused candidate again for ever, whatever policy the role gets (2.7.2, measured 2026-11-30)."""
    with pytest.raises(RotationError) as error:
        directory.update(Secret("-Aa3defghijklmnopqrs"))
    said = as_grpc(error.value).message
    assert "first_not" in said
    assert "delete the role and make it again" in said
    assert "the next rotation" not in said


def test_a_user_that_hangs_in_another_change_is_asked_seldom_and_a_human_is_called(directory):
    """The host tries again for ever; the vendor gets some twenty requests, and the message says what to do."""
    user = directory.vendor.service.directory.users[str(directory.tenant.document["user_id"])]
    user.changing += 1
    new = candidate(VOLCENGINE)
    failures = directory.retried(new, attempts=250, between=lambda: directory.clock.sleep(50.0))
    assert failures[-20:-1] == [Parked.code] * 19
    assert user.attempts <= 25
    with pytest.raises(Parked) as parked:
        directory.update(new)
    assert parked.value.reason == Reason.VENDOR_BUSY
    assert "open a ticket" in as_grpc(parked.value).message
    user.changing -= 1
    directory.clock.sleep(parked.value.not_before - directory.clock.now() + 1)
    assert directory.retried(new) == []
    assert directory.tenant.live() == new


def test_a_failure_after_the_reset_says_that_readers_may_hold_a_dead_password(directory):
    """The server's log then says since when; a refusal that changed nothing does not."""
    password = vendor_policies()[VOLCENGINE]["default"].generate()
    directory.vendor.faults.add("ResetPassword", FaultKind.DROP_AFTER)
    with pytest.raises(OutcomeUnknown, match="; readers may hold a dead password since 20"):
        directory.update(password)
    directory.clock.sleep(3600)
    directory.die()
    directory.vendor.faults.add("ResetPassword", FaultKind.THROTTLE)
    with pytest.raises(RotationError) as refused:
        directory.update(vendor_policies()[VOLCENGINE]["default"].generate())
    assert "readers" not in refused.value.message


@pytest.mark.shows_secrets("file key", reason="the operator's own file")
def test_a_change_is_posted_by_the_plug_in_as_far_as_it_can_see(tmp_path):
    """Sent and proved, under driver and account; the commit is the server's, which the plug-in does not see."""
    posts, file = [], tmp_path / "key"
    file.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")  # of the specification's own example
    file.chmod(0o600)

    def hook(environ, start):
        posts.append(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start("204 No Content", [])
        return []

    with serve(hook) as base, plugin_process(UCLOUD) as process:
        keys = {"events_webhook": base, "events_webhook_key_file": str(file)}
        stored = process.connection.stored()
        process.connection = Connection.load({**stored, **keys})
        process.update(candidate(UCLOUD))
        own = process.tenant.document
        name = f"{UCLOUD}/{own['region']}/{own['zone']}/{own['uhost_id']}/root"
    assert [(each["kind"], each["secret"]) for each in posts] == [("sent", name), ("proved", name)]
