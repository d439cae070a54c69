"""Whole rotations of Blackstone devices: through every trouble to *current is live*."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.stages import PENDING
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import LINUX, WINDOWS, Delays, Device, OsType, TencentBm
from rotation_testkit.fault_lab.in_memory.scenario import FUNCTION_SECONDS, VirtualClock

OLD = "Old-pass-1234"
TOKEN = "token-0123456789-0123456789-0123456789"


@dataclass(kw_only=True)
class Rotation:
    """One secret under the engine, in memory, bound by the rules of a deployment."""

    code: str
    endpoint: str
    clock: VirtualClock
    account: dict[str, object]
    admin: dict[str, str]
    minimum: Evidence | None = None
    evidence: Evidence | None = None
    secret: MemorySecret = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        """A current version, and an empty pending one as the service makes it."""
        self.secret = MemorySecret(now=self.clock.now)
        document = {"driver": self.code, "password": OLD, **self.account}
        self.secret.put("version-0", SecretDocument(document), "AWSCURRENT")
        self.secret.put(TOKEN, None, PENDING)

    def step(self, step: Step) -> None:
        """One invocation of the function."""
        end = self.clock.now() + FUNCTION_SECONDS
        self.runs += 1

        def time_left() -> float:
            return end - self.clock.now()

        deployment = Deployment(
            drivers=(self.code,),
            hosts=(self.endpoint.removeprefix("http://"),),
            minimum=self.minimum,
            endpoints={self.code: self.endpoint},
            admin_secrets={self.code: "admin"},
        )
        admin = SecretDocument(dict(self.admin))
        bind = Binder(deployment=deployment, fetch=lambda _: admin, clock=self.clock, time_left=time_left)
        store, holder = MemoryStore(self.secret), f"{self.runs:x}"
        session = Session(store=store, token=TOKEN, bind=bind, clock=self.clock, time_left=time_left, holder=holder)
        self.evidence = run(session, step).evidence

    def rotate(self, *, attempts: int = 6, spacing: float = 600.0) -> list[str]:
        """All steps, from the first one again after each failure. Returns the failures' codes."""
        failures: list[str] = []
        for _ in range(attempts):
            try:
                for step in Step:
                    self.step(step)
            except RotationError as error:
                failures.append(error.code)
                self.clock.sleep(spacing)
            else:
                return failures
        return [*failures, "gave up"]

    def stored(self, stage: str = "AWSCURRENT") -> Secret:
        """The password under a stage."""
        value = self.secret.read(str(self.secret.describe().holder(stage)))
        assert value is not None
        return value.document.password


@dataclass(kw_only=True)
class Blackstone:
    """A rotation and the device it is about."""

    rotation: Rotation
    simulator: TencentBm
    device: Device
    host: SshHost | WinRmHost
    reset: str

    def settled(self) -> bool:
        """Current is live, and is not what it was before."""
        live = self.simulator.guest_password("cpm-1")
        return live == self.rotation.stored() and live != Secret(OLD)


def machine(simulator: TencentBm, device: Device) -> SshHost | WinRmHost:
    """What takes logins on the device."""
    if device.os.windows:
        return WinRmHost(lambda: {device.user: simulator.guest_password("cpm-1")})
    return SshHost(simulator.guest_login("cpm-1"))


def login_settings(host: SshHost | WinRmHost) -> dict[str, object]:
    """What the secret says about it."""
    if isinstance(host, WinRmHost):
        return {"winrm_port": host.port, "certificate": host.fingerprint}
    return {"ssh_port": host.port, "host_key": host.host_key}


@contextmanager
def blackstone(api: str, os: OsType = LINUX, **delays: float) -> Iterator[Blackstone]:
    """A device that takes logins, over SSH or, on Windows, WinRM."""
    clock = VirtualClock()
    simulator = TencentBm(clock=clock.now, delays=Delays(**delays))
    device = simulator.add_device("cpm-1", password=Secret(OLD), os=os)
    with simulator.serve() as url, machine(simulator, device) as host:
        device.lan_ip = host.host
        place: dict[str, object] = {"instance_id": "cpm-1", "region": "ap-beijing", **login_settings(host)}
        key = simulator.credentials
        rotation = Rotation(
            code="tencent_bm",
            endpoint=url,
            clock=clock,
            account={"username": device.user, **place},
            admin={"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api},
        )
        reset = "ResetDevicePasswd" if api == "v2" else "ResetDevicePassword"
        yield Blackstone(rotation=rotation, simulator=simulator, device=device, host=host, reset=reset)


both = pytest.mark.parametrize("api", ["v2", "v3"])


@pytest.mark.parametrize(
    ("api", "os"), [("v2", LINUX), ("v3", LINUX), ("v2", WINDOWS)], ids=["v2-linux", "v3-linux", "v2-windows"]
)
def test_a_device_rotates(api: str, os: OsType) -> None:
    """In one go while the task takes 12 s: one reset, one look before each step, no wrong login, proved by a login."""
    with blackstone(api, os, reset=12) as at:
        assert at.rotation.rotate() == []
        assert sum(call.operation.startswith("DescribeOs") for call in at.simulator.requests) == 3
        assert at.settled()
        assert at.rotation.evidence is Evidence.LOGIN
        assert (at.simulator.attempts("cpm-1"), at.host.rejected.total()) == (1, 0)
        assert at.rotation.stored("AWSPREVIOUS") == Secret(OLD)


@pytest.mark.parametrize(("api", "spacing"), [("v3", 60.0), ("v2", 600.0)])
def test_a_long_task_is_picked_up_by_a_later_run(api: str, spacing: float) -> None:
    """The first run ends before its time does; a later one asks for the same task and sends nothing."""
    with blackstone(api, reset=150) as at:
        failures = at.rotation.rotate(spacing=spacing)
        assert set(failures) == {"in_progress"}
        assert at.settled()
        assert (at.simulator.attempts("cpm-1"), at.host.rejected.total()) == (1, 0)


@both
def test_a_lost_reply_is_found_out_about(api: str) -> None:
    """The reset went through: no second one, no wrong login."""
    with blackstone(api, reset=12) as at:
        at.simulator.faults.add(at.reset, FaultKind.DROP_AFTER)
        assert at.rotation.rotate() == ["outcome_unknown"]
        assert at.settled()
        assert (at.simulator.attempts("cpm-1"), at.host.rejected.total()) == (1, 0)


@both
def test_a_lost_reply_while_the_vendor_works_is_waited_for(api: str) -> None:
    """A run that comes too early sees the reset running and shows no password to anybody."""
    with blackstone(api, reset=150) as at:
        at.simulator.faults.add(at.reset, FaultKind.DROP_AFTER)
        assert set(at.rotation.rotate(spacing=60.0)) == {"outcome_unknown", "in_progress"}
        assert at.settled()
        assert (at.simulator.attempts("cpm-1"), at.host.rejected.total()) == (1, 0)


def test_a_lost_request_is_sent_again() -> None:
    """After one login has shown that the candidate is not live."""
    with blackstone("v3", reset=12) as at:
        at.simulator.faults.add(at.reset, FaultKind.DROP_BEFORE)
        assert at.rotation.rotate() == ["outcome_unknown"]
        assert at.settled()
        assert (at.simulator.resets("cpm-1"), at.host.rejected.total()) == (1, 1)


@pytest.mark.parametrize(("api", "switch"), [("v2", "reset_fails"), ("v3", "reset_fails_after")])
def test_a_failed_task_is_repeated_with_the_same_candidate(api: str, switch: str) -> None:
    """Twice in a run at the most, then after a pause; also when the password had changed for all that."""
    with blackstone(api, reset=12) as at:
        setattr(at.device, switch, True)
        assert at.rotation.rotate(attempts=1) == ["parked", "gave up"]
        candidate = at.rotation.stored(PENDING)
        assert at.simulator.attempts("cpm-1") == 2
        setattr(at.device, switch, False)
        assert at.rotation.rotate() == []
        assert at.settled()
        assert at.rotation.stored() == candidate


def test_a_guest_that_ignores_the_reset_is_never_made_current() -> None:
    """The task reports success, the login tells the truth; the old password stays current."""
    with blackstone("v2") as at:
        at.device.guest_ignores_reset = True
        assert at.rotation.rotate(attempts=2)[-1] == "gave up"
        assert at.rotation.stored() == Secret(OLD)
        at.device.guest_ignores_reset = False
        assert at.rotation.rotate()[-1:] != ["gave up"]
        assert at.settled()


@pytest.mark.parametrize(("api", "power"), [("v2", 7), ("v3", 3)])
def test_a_device_that_is_not_up_is_left_alone(api: str, power: int) -> None:
    """Nothing is staged, let alone sent, until it is."""
    with blackstone(api) as at:
        at.device.power = power
        expected = "precondition_failed" if power == 3 else "in_progress"
        assert at.rotation.rotate(attempts=1) == [expected, "gave up"]
        assert at.simulator.attempts("cpm-1") == 0
        at.device.power = 1
        assert at.rotation.rotate() == []
        assert at.settled()
