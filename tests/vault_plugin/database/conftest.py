"""One account of a vendor's simulator behind a plug-in process that can be made to forget everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_compshare.cloud import Delays
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress, UCloudCompShare
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.sandbox import ShiftedClock
from vault_plugin.database.connection import Connection
from vault_plugin.database.memory import Memory
from vault_plugin.database.update import Change, update

OLD = Secret("Old-Passw0rd-1234!")
UHOST = "uhost-1"


@dataclass(kw_only=True)
class Rig:
    """One account behind a plug-in process that can be made to forget everything, as death does."""

    connection: Connection
    username: str
    statements: tuple[str, ...]
    clock: ShiftedClock
    memory: Memory = field(default_factory=Memory)
    seconds: float = 60.0

    def update(self, password: Secret) -> Evidence:
        """One call of the host."""
        end = self.clock.now() + self.seconds
        change = Change(
            username=self.username,
            password=password,
            statements=self.statements,
            time_left=lambda: max(0.0, end - self.clock.now()),
        )
        return update(self.connection, self.memory, change, self.clock)

    def retried(self, password: Secret, attempts: int = 12) -> list[str]:
        """As the host's scheduler: the same password again every ten seconds. Returns the failures' codes."""
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
        """The process is gone, and another one starts."""
        self.memory = Memory()


@dataclass
class Directory:
    """Volcengine: nobody can log in, the vendor's yes is the proof."""

    rig: Rig
    vendor: VolcengineCloudIdentity
    user_id: str

    @property
    def live(self) -> Secret | None:
        """What is in force."""
        return self.vendor.live_password(self.user_id)


@pytest.fixture
def directory() -> Iterator[Directory]:
    """A user of a directory."""
    clock = ShiftedClock()
    vendor = VolcengineCloudIdentity(clock=clock.now)
    user = vendor.add_user("bob", OLD)
    with vendor.serve() as url:
        config = {
            "driver": "volcengine_cloudidentity",
            "endpoint": url,
            "hosts": url.removeprefix("http://"),
            "access_key": vendor.credentials.access_key,
            "secret_key": vendor.credentials.secret_key.reveal(),
        }
        rig = Rig(
            connection=Connection.load(config),
            username="bob",
            statements=(f"user_id={user.user_id}",),
            clock=clock,
        )
        yield Directory(rig, vendor, user.user_id)


@dataclass
class Machine:
    """CompShare: a login over SSH is the proof; virtual machines must be stopped for a reset."""

    rig: Rig
    vendor: UCloudCompShare
    ssh: SshHost

    @property
    def live(self) -> Secret:
        """What the guest takes."""
        return self.vendor.guest_password(UHOST)


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A container, or the kind of instance that the test's parameter names."""
    clock = ShiftedClock()
    kind = getattr(request, "param", "Container")
    vendor = UCloudCompShare(clock=clock.now, delays=Delays(stop=40.0, start=40.0))
    with SshHost(vendor.guest_login(UHOST), up=lambda: vendor.running(UHOST)) as ssh, vendor.serve() as url:
        address = SshAddress("root", ssh.host, ssh.port)
        instance = vendor.add_instance(UHOST, password=OLD, instance_type=kind, ssh=address)
        key = vendor.credentials
        config = {
            "driver": "ucloud_compshare",
            "endpoint": url,
            "hosts": url.removeprefix("http://"),
            "public_key": key.public_key,
            "private_key": key.private_key.reveal(),
        }
        options = (
            f"region={instance.region}",
            f"zone={instance.zone}",
            f"uhost_id={UHOST}",
            f"host_key={ssh.host_key}",
        )
        rig = Rig(connection=Connection.load(config), username="root", statements=options, clock=clock)
        yield Machine(rig, vendor, ssh)
