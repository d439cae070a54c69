"""A writer of a secret's value gets no power over other accounts, hosts or ports: attacks through the function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation import handler
from rotation.core.errors import RotationError
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    FUNCTION_ARN,
    HUAWEI,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    WINDOWS_DEVICE,
    Sandbox,
    open_sandbox,
)

TAG = "lockstep:account"
OTHER_ACCOUNT = {
    UCLOUD: {"uhost_id": "uhost-of-b"},
    TENCENT: {"instance_id": "cpm-of-b"},
    VOLCENGINE: {"user_id": "user-of-b", "username": "b"},
}


@dataclass
class Scene:
    """The function over a sandbox, and what a writer of values and an operator do to it."""

    world: Sandbox
    environment: dict[str, str]
    errors: list[RotationError] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, event: dict[str, object]) -> dict[str, Any]:
        """Run the function for one event, and return its answer."""
        connect = self.world.secrets_manager.client
        outside = handler.World(connect=connect, environment=self.environment, clock=self.world.clock)
        return handler.handle(event, FunctionContext.lasting(60), outside)

    def serve(self, event: dict[str, object]) -> None:
        """Be the function of Secrets Manager's rotations."""
        try:
            self.reports.append(self.ask(event))
        except RotationError as error:
            self.errors.append(error)
            raise

    def rotate(self, account: str) -> RotationState:
        """Rotate as the schedule does, from a clean slate."""
        self.errors.clear()
        store = self.world.secrets_manager
        store.register_function(FUNCTION_ARN, self.serve)
        self._cancel(account)
        return store.rotate(self.world.accounts[account], function=FUNCTION_ARN).state

    def _cancel(self, account: str) -> None:
        """Give an unfinished rotation up."""
        store, name = self.world.secrets_manager, self.world.accounts[account]
        labels = store.labels(name)
        for version in [each for each, held in labels.items() if "AWSPENDING" in held and "AWSCURRENT" not in held]:
            store.call("CancelRotateSecret", SecretId=name)
            store.call(
                "UpdateSecretVersionStage", SecretId=name, VersionStage="AWSPENDING", RemoveFromVersionId=version
            )

    def refused(self, account: str) -> RotationError:
        """Rotate; return the error, which is lasting and came before vendor, admin credential and hosts."""
        store, calls = self.world.secrets_manager, len(self.world.secrets_manager.calls)
        requests = [len(vendor.simulator.requests) for vendor in self.world.vendors.values()]
        assert self.rotate(account) is RotationState.FAILED
        assert [len(vendor.simulator.requests) for vendor in self.world.vendors.values()] == requests
        read = {call.secret for call in store.calls[calls:] if call.operation == "GetSecretValue"}
        assert read.isdisjoint(self.world.admin_secrets.values())
        (error,) = {error.code: error for error in self.errors}.values()
        assert not error.retryable
        assert "lockstep enroll" in error.hint or "LOCKSTEP_LOGIN_PORTS" in error.hint
        return error

    def document(self, account: str) -> dict[str, Any]:
        """Return the current value."""
        value = self.world.secrets_manager.value(self.world.accounts[account])
        assert value is not None
        document: dict[str, Any] = json.loads(value.reveal())
        return document

    def write(self, account: str, **changes: object) -> None:
        """Put another value, as anyone with PutSecretValue may; ``None`` takes a key away."""
        document = {**self.document(account), **changes}
        text = json.dumps({key: value for key, value in document.items() if value is not None})
        self.world.secrets_manager.call("PutSecretValue", SecretId=self.world.accounts[account], SecretString=text)

    def untag(self, account: str) -> None:
        """Take the binding away."""
        self.world.secrets_manager.call("UntagResource", SecretId=self.world.accounts[account], TagKeys=[TAG])

    def tag(self, account: str) -> str | None:
        """Return the binding."""
        described = self.world.secrets_manager.call("DescribeSecret", SecretId=self.world.accounts[account])
        return {tag["Key"]: tag["Value"] for tag in described.get("Tags") or ()}.get(TAG)

    def reads(self, account: str) -> int:
        """Return how many values of an account's secret were read."""
        name = self.world.accounts[account]
        return sum(call.operation == "GetSecretValue" and call.secret == name for call in self.calls)

    @property
    def calls(self) -> list[Any]:
        """Every call to Secrets Manager."""
        return self.world.secrets_manager.calls


@pytest.fixture
def scene() -> Iterator[Scene]:
    """One account of each kind."""
    held = (UCLOUD, TENCENT, WINDOWS_DEVICE, BATCH, VOLCENGINE, HUAWEI)
    with open_sandbox(holding=held, retry_delays=()) as started:
        yield Scene(started, started.environment())


@pytest.fixture
def listener() -> Iterator[SshHost]:
    """A listener of the attacker's on the machine, which takes every password."""
    with SshHost(lambda _user, _password: True) as host:
        yield host


@pytest.mark.parametrize("account", OTHER_ACCOUNT)
def test_a_value_that_names_another_account_resets_nothing(scene: Scene, account: str) -> None:
    """The victim's account is untouched, and the admin credential is not even read; enrolling again is the way out."""
    scene.write(account, **OTHER_ACCOUNT[account])
    assert scene.refused(account).code == "binding_mismatch"
    assert scene.world.changes(account) == 0


def test_tags_beside_the_secret_weaken_nothing(scene: Scene) -> None:
    """They ask for passwords alone: evidence, binding, seals, hosts and ports are the deployment's."""
    weaker = {
        "min-evidence": "ACCEPTED",
        "minimum": "ACCEPTED",
        "binding": "off",
        "seal-secret": "off",
        "login-ports": "ssh:2222",
        "hosts": "evil.example",
        "endpoint": "https://evil.example",
        "ssh-trust-on-first-use": "1",
        "length": "30",
    }
    tags = [{"Key": f"lockstep:{name}", "Value": value} for name, value in weaker.items()]
    scene.world.secrets_manager.call("TagResource", SecretId=scene.world.accounts[UCLOUD], Tags=tags)
    assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED
    assert scene.reports[-1]["evidence"] == "LOGIN"
    assert len(scene.document(UCLOUD)["password"]) == 30
    scene.write(UCLOUD, uhost_id="uhost-of-b")
    assert scene.refused(UCLOUD).code == "binding_mismatch"


def test_a_batch_takes_no_other_members(scene: Scene) -> None:
    """A device more, a device less, another device: each is refused, and the order does not count."""
    devices = scene.document(BATCH)["devices"]
    other = [*devices[:2], {**devices[2], "instance_id": "cpm-of-b"}]
    for changed in (devices[:2], [*devices, {**devices[0], "instance_id": "cpm-of-b"}], other):
        scene.write(BATCH, devices=changed)
        assert scene.refused(BATCH).code == "binding_mismatch"
    assert scene.world.changes(BATCH) == 0
    scene.write(BATCH, devices=devices[::-1])
    assert scene.rotate(BATCH) is RotationState.SUCCEEDED


def test_a_long_list_of_accounts_is_asked_about_nowhere(scene: Scene) -> None:
    """Neither a trial run nor a check logs in for thirty entries, bound or not: a batch has fewer."""
    devices = scene.document(BATCH)["devices"]
    many = [{**devices[0], "instance_id": f"cpm-{number}", "password": "Wr0ng-pass-1"} for number in range(30)]
    scene.write(BATCH, devices=many)
    scene.world.enroll(BATCH)
    store, name = scene.world.secrets_manager, scene.world.accounts[BATCH]
    before = len(scene.world.tencent.requests), scene.world.wrong_logins(BATCH)
    store.register_function(FUNCTION_ARN, scene.serve)
    trial = store.rotate(name, function=FUNCTION_ARN, immediately=False)
    assert trial.state is RotationState.FAILED
    checked = scene.ask({"Verify": name})
    assert {error.code for error in scene.errors} == {"config_error"}
    assert checked["ended"] == "needs_human"
    assert (len(scene.world.tencent.requests), scene.world.wrong_logins(BATCH)) == before


@pytest.mark.parametrize("account", [UCLOUD, TENCENT, BATCH, VOLCENGINE])
def test_without_a_binding_an_admin_credential_is_not_used(scene: Scene, account: str) -> None:
    """A secret that nobody enrolled is refused, whatever its value says; a garbled binding likewise."""
    scene.untag(account)
    assert scene.refused(account).code == "not_enrolled"
    store, name = scene.world.secrets_manager, scene.world.accounts[account]
    store.call("TagResource", SecretId=name, Tags=[{"Key": TAG, "Value": "1 nothing"}])
    assert scene.refused(account).code == "binding_mismatch"


def test_an_account_that_changes_itself_needs_no_binding(scene: Scene) -> None:
    """Its old password is the proof; a binding that is there holds nevertheless."""
    assert scene.tag(HUAWEI) is None
    scene.world.enroll(HUAWEI)
    scene.write(HUAWEI, username="b@example.com")
    assert scene.refused(HUAWEI).code == "binding_mismatch"
    scene.write(HUAWEI, username="robot@example.com")
    scene.untag(HUAWEI)
    assert scene.rotate(HUAWEI) is RotationState.SUCCEEDED


def test_a_listener_on_another_port_hears_nothing(scene: Scene, listener: SshHost) -> None:
    """A port is refused that the deployment does not name; one that it names, if the secret is not bound to it."""
    scene.write(TENCENT, ssh_port=listener.port, host_key=listener.host_key)
    assert scene.refused(TENCENT).code == "port_not_allowed"
    scene.environment["LOCKSTEP_LOGIN_PORTS"] += f",ssh:{listener.port}"
    assert scene.refused(TENCENT).code == "host_key_changed"
    assert listener.connections == 0


def test_another_address_of_the_device_is_refused(scene: Scene) -> None:
    """A value cannot move the login from one network to another."""
    scene.write(TENCENT, ssh_address="wan")
    assert scene.refused(TENCENT).code == "host_key_changed"


@pytest.mark.parametrize("account", [UCLOUD, TENCENT, BATCH])
def test_a_host_with_another_key_hears_nothing_although_the_value_pins_it(
    scene: Scene, listener: SshHost, account: str
) -> None:
    """The binding's pin counts, not the value's."""
    changes: dict[str, Any] = {"host_key": listener.host_key}
    if account == BATCH:
        changes = {"devices": [{**each, **changes} for each in scene.document(BATCH)["devices"]]}
    scene.write(account, **changes)
    assert scene.refused(account).code == "host_key_changed"


def test_another_certificate_is_refused_although_the_value_pins_it(scene: Scene) -> None:
    """A Windows device with another certificate hears nothing."""
    host = scene.world.vendor_accounts[WINDOWS_DEVICE].host
    assert isinstance(host, WinRmHost)
    scene.write(WINDOWS_DEVICE, certificate="sha256:" + "ab" * 32)
    assert scene.refused(WINDOWS_DEVICE).code == "host_key_changed"
    assert host.schemes == []


def test_enrolling_again_is_the_way_out(scene: Scene) -> None:
    """After a reinstallation the operator stores the new key and enrols the secret again."""
    host = scene.world.vendor_accounts[UCLOUD].host
    assert isinstance(host, SshHost)
    host.change_host_key()
    scene.write(UCLOUD, host_key=host.host_key)
    assert scene.refused(UCLOUD).code == "host_key_changed"
    scene.world.enroll(UCLOUD)
    assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED


def _learn_the_host_key(scene: Scene) -> None:
    """Make the secret again with a value that names no host key, and rotate it, so that the key is learnt."""
    scene.environment["LOCKSTEP_SSH_TRUST_ON_FIRST_USE"] = "1"
    store, name = scene.world.secrets_manager, scene.world.accounts[UCLOUD]
    first = {key: value for key, value in scene.document(UCLOUD).items() if key != "host_key"}
    store.call("DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
    store.create(name, json.dumps(first))
    scene.world.enroll(UCLOUD)
    assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED


def test_the_first_value_put_back_is_held_by_the_pin_that_was_learnt(scene: Scene, listener: SshHost) -> None:
    """Terraform puts the first value back, without a key: the retained version's key is used, and not learnt again."""
    host = scene.world.vendor_accounts[UCLOUD].host
    assert isinstance(host, SshHost)
    _learn_the_host_key(scene)
    learnt = host.host_key
    scene.write(UCLOUD, lockstep=None)
    scene.world.clock.sleep(120)  # a late request of the rotation before counts for a minute
    host.change_host_key()
    assert scene.rotate(UCLOUD) is RotationState.FAILED
    assert {error.vendor_code for error in scene.errors} == {"host_key_changed"}
    assert host.rejected.total() == 0
    scene.write(UCLOUD, host_key=listener.host_key, lockstep=None)
    assert scene.refused(UCLOUD).code == "host_key_changed"
    scene.write(UCLOUD, host_key=learnt, lockstep=None)
    assert {error.code for error in scene.errors} == {"host_key_changed"}


def test_a_value_written_twice_does_not_replace_a_pin_that_was_learnt(scene: Scene, listener: SshHost) -> None:
    """The version that was proved is retained by its label, so it counts although it is not the previous one."""
    _learn_the_host_key(scene)
    for _ in range(2):
        scene.write(UCLOUD, host_key=listener.host_key, lockstep=None)
    assert scene.refused(UCLOUD).code == "host_key_changed"


def test_basic_is_not_used(scene: Scene) -> None:
    """A Windows device that offers Basic alone gets no password, unless the deployment allows it."""
    host = scene.world.vendor_accounts[WINDOWS_DEVICE].host
    assert isinstance(host, WinRmHost)
    host.behaviour.offers = ("Basic",)
    assert scene.rotate(WINDOWS_DEVICE) is RotationState.FAILED
    assert {error.vendor_code for error in scene.errors} == {"password_method_not_offered"}
    assert (set(host.schemes), scene.world.changes(WINDOWS_DEVICE)) == ({""}, 0)
    scene.environment["LOCKSTEP_WINRM_BASIC"] = "1"
    assert scene.rotate(WINDOWS_DEVICE) is RotationState.SUCCEEDED


@pytest.mark.parametrize("account", [UCLOUD, BATCH])
def test_the_first_proved_rotation_can_record_the_account(scene: Scene, account: str) -> None:
    """With ``pin`` it is recorded once, after the proof, as enrolling would have done it; then it is held."""
    enrolled = scene.tag(account)
    scene.untag(account)
    scene.environment["LOCKSTEP_BINDING"] = "pin"
    for _ in range(2):
        assert scene.rotate(account) is RotationState.SUCCEEDED
    assert scene.tag(account) == enrolled
    assert [report.get("binding") for report in scene.reports if report.get("binding")] == ["recorded"]
    operations = [call.operation for call in scene.calls if call.secret == scene.world.accounts[account]]
    assert operations.count("TagResource") == 1
    changes = OTHER_ACCOUNT[UCLOUD] if account == UCLOUD else {"devices": scene.document(BATCH)["devices"][:1]}
    scene.write(account, **changes)
    assert scene.refused(account).code == "binding_mismatch"


def test_a_binding_that_cannot_be_recorded_does_not_fail_the_rotation(scene: Scene) -> None:
    """The password is proved and current by then; the report names the error, and the next rotation tries again."""
    scene.untag(UCLOUD)
    scene.environment["LOCKSTEP_BINDING"] = "pin"
    scene.world.secrets_manager.faults.deny("TagResource", times=1)
    assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED
    assert scene.reports[-1]["binding"] == "store_denied"
    assert scene.tag(UCLOUD) is None
    assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED
    assert scene.reports[-1]["binding"] == "recorded"


def test_a_pin_that_the_binding_does_not_name_costs_reads_of_the_version_before(scene: Scene) -> None:
    """The steps that bind the account read it once each; where the binding names the pin, nothing more is read."""
    made = []
    for binding in (None, scene.tag(UCLOUD)):
        scene.environment["LOCKSTEP_BINDING"] = "off"
        scene.untag(UCLOUD)
        assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED
        if binding is not None:
            tags = [{"Key": TAG, "Value": binding}]
            scene.world.secrets_manager.call("TagResource", SecretId=scene.world.accounts[UCLOUD], Tags=tags)
        before = scene.reads(UCLOUD)
        assert scene.rotate(UCLOUD) is RotationState.SUCCEEDED
        made.append(scene.reads(UCLOUD) - before)
    assert made == [8, 5]
