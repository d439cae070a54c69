"""The vendors of the sandbox: their accounts, the hosts of these, and the key that resets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rotation.core.document import SecretDocument, documents
from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendor_api.reset_simulator import MachineSimulator
from rotation_testkit.doubles.vendor_api.simulator import Simulator
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting
from rotation_testkit.doubles.vendors.tencent_bm.simulator import LINUX, WINDOWS, TencentBm
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress, UCloudCompShare
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

if TYPE_CHECKING:
    from rotation_testkit.doubles.hosts.winrm import WinRmHost

UCLOUD, HUAWEI = "ucloud_compshare", "huawei_meeting"
TENCENT, VOLCENGINE = "tencent_bm", "volcengine_cloudidentity"
LINUX_VM, WINDOWS_VM = f"{UCLOUD}/linux_vm", f"{UCLOUD}/windows_vm"
SECOND_CONTAINER = f"{UCLOUD}/second"
WINDOWS_DEVICE, BATCH = f"{TENCENT}/windows", f"{TENCENT}/batch"
DRIVERS = (UCLOUD, TENCENT, VOLCENGINE, HUAWEI)
"""One account for each driver: a container, a Linux device, a directory user, a meeting account."""
ALL = (UCLOUD, LINUX_VM, WINDOWS_VM, TENCENT, WINDOWS_DEVICE, BATCH, VOLCENGINE, HUAWEI)
"""An account of every kind; the batch is three devices. Before the slash stands the driver's code."""

LOGIN = "root"
UHOST_ID, DEVICE_ID, USER_ID = "uhost-demo", "cpm-demo", "user-demo"
MEETING_ACCOUNT = "robot@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAccount:
    """One account at a vendor, or a batch of them.

    Attributes:
        document: the account document with the first password.
        live: returns the password that the account accepts now; of a batch the list of them, as ``password_of`` does.
        changes: returns how many resets took effect.
        wrong_logins: returns how often a wrong password was tried.
        host: the host that takes the account's logins, where there is one.
    """

    document: Mapping[str, object]
    live: Callable[[], Secret]
    changes: Callable[[], int]
    wrong_logins: Callable[[], int]
    host: SshHost | WinRmHost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVendor:
    """One vendor, being served.

    Attributes:
        endpoint: its base URL.
        admin: the admin credential's document, ``None`` where accounts change their own passwords.
        accounts: its accounts by their keys.
    """

    simulator: Simulator
    endpoint: str
    admin: Mapping[str, str] | None = None
    accounts: dict[str, SandboxAccount] = field(default_factory=dict)


VendorServer = Callable[[Callable[[], float], tuple[str, ...]], AbstractContextManager[ServedVendor]]
"""Serves a vendor with the accounts of these keys, by this clock."""


@contextmanager
def compshare(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve CompShare: a container, and virtual machines with Linux and Windows, which take logins while they run."""
    simulator = UCloudCompShare(clock=clock)
    key = simulator.credentials
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            vendor.accounts[name] = _instance(stack, simulator, name)
        yield vendor


def _instance(stack: ExitStack, simulator: UCloudCompShare, key: str) -> SandboxAccount:
    uhost = UHOST_ID + key.removeprefix(UCLOUD).replace("/", "-").replace("_", "-")
    windows = key == WINDOWS_VM
    user, os_type = ("administrator", "Windows") if windows else (LOGIN, "Linux")
    host = _host(stack, simulator, uhost, windows=windows)
    instance = simulator.add_instance(
        uhost,
        password=_first(UCLOUD, os_type.lower()),
        instance_type="UHost" if key in {LINUX_VM, WINDOWS_VM} else "Container",
        os_type=os_type,
        ssh=SshAddress(user, host.host, host.port),
    )
    document = {"driver": UCLOUD, "region": instance.region, "zone": instance.zone, "uhost_id": uhost}
    # Describe tells the SSH port, not WinRM's.
    pin = {"host_key": host.host_key} if isinstance(host, SshHost) else _certificate(host)
    return _machine(simulator, uhost, host, {**document, **pin})


def blackstone(api: str) -> VendorServer:
    """Return what serves Blackstone's devices for an admin credential of API generation ``v2`` or ``v3``."""

    @contextmanager
    def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
        simulator = TencentBm(clock=clock)
        key = simulator.credentials
        admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api}
        with ExitStack() as stack:
            vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
            for name in keys:
                make = _batch if name == BATCH else _device
                vendor.accounts[name] = make(stack, simulator, name)
            yield vendor

    return serve


def _device(stack: ExitStack, simulator: TencentBm, key: str, suffix: str = "") -> SandboxAccount:
    windows, instance_id = key == WINDOWS_DEVICE, DEVICE_ID + key.removeprefix(TENCENT).replace("/", "-") + suffix
    first = _first(TENCENT, "windows" if windows else "linux")
    device = simulator.add_device(instance_id, password=first, os=WINDOWS if windows else LINUX)
    host = _host(stack, simulator, instance_id, windows=windows)
    device.lan_ip = host.host
    document = {"driver": TENCENT, "instance_id": instance_id, "region": "ap-beijing"}
    ssh = {"host_key": host.host_key, "ssh_port": host.port} if isinstance(host, SshHost) else _certificate(host)
    return _machine(simulator, instance_id, host, {**document, **ssh})


def _batch(stack: ExitStack, simulator: TencentBm, key: str) -> SandboxAccount:
    """Make three devices that share one secret; ``live`` is the list of their passwords."""
    devices = [_device(stack, simulator, key, f"-{number}") for number in range(1, 4)]
    shared = ("driver", "username", "region")
    own = [{key: value for key, value in each.document.items() if key not in shared} for each in devices]
    return SandboxAccount(
        document={**{key: devices[0].document[key] for key in shared}, "devices": own},
        live=lambda: Secret(json.dumps([each.live().reveal() for each in devices])),
        changes=lambda: sum(each.changes() for each in devices),
        wrong_logins=lambda: sum(each.wrong_logins() for each in devices),
    )


def _host(
    stack: ExitStack, simulator: MachineSimulator[Any, Any], target_id: str, *, windows: bool
) -> SshHost | WinRmHost:
    """Start the host that takes a machine's logins while the machine runs."""

    def up() -> bool:
        return simulator.running(target_id)

    if not windows:
        return stack.enter_context(SshHost(simulator.guest_login(target_id), up=up))
    from rotation_testkit.doubles.hosts.winrm import WinRmHost  # needs the extra winrm, which no other account does

    return stack.enter_context(WinRmHost(simulator.guest_users(target_id), up=up))


def _certificate(host: WinRmHost) -> dict[str, object]:
    return {"certificate": host.fingerprint, "winrm_port": host.port}


def _machine(
    simulator: MachineSimulator[Any, Any], target_id: str, host: SshHost | WinRmHost, document: Mapping[str, object]
) -> SandboxAccount:
    target = simulator.target(target_id)
    user: str = target.user
    return SandboxAccount(
        document={**document, "username": user, "password": target.guest.reveal()},
        live=lambda: simulator.guest_password(target_id),
        changes=lambda: simulator.resets(target_id),
        wrong_logins=lambda: host.rejected[user],
        host=host,
    )


def password_of(document: SecretDocument) -> Secret:
    """Return a document's password; of a batch the list of them, as ``SandboxAccount.live`` gives it."""
    devices = documents(document, "devices")
    return Secret(json.dumps([each.password.reveal() for each in devices])) if devices else document.password


@contextmanager
def directory(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve Cloud Identity with a user. Its API takes no logins, so there are no wrong ones."""
    simulator = VolcengineCloudIdentity(clock=clock)
    key = simulator.credentials
    admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint, admin=admin)
        for name in keys:
            first = _first(VOLCENGINE)
            simulator.add_user("robot", first, user_id=USER_ID)
            own = {"username": "robot", "user_id": USER_ID, "password": first.reveal()}
            vendor.accounts[name] = SandboxAccount(
                document={"driver": VOLCENGINE, **own},
                live=lambda: simulator.live_password(USER_ID) or Secret(""),
                changes=lambda: simulator.resets(USER_ID),
                wrong_logins=lambda: 0,
            )
        yield vendor


@contextmanager
def meeting(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve Huawei Meeting with an account that changes its own password."""
    simulator = HuaweiMeeting(clock=clock)
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint)
        for name in keys:
            first = _first(HUAWEI)
            simulator.add_account(MEETING_ACCOUNT, first)
            vendor.accounts[name] = SandboxAccount(
                document={"driver": HUAWEI, "username": MEETING_ACCOUNT, "password": first.reveal()},
                live=lambda: simulator.live_password(MEETING_ACCOUNT),
                changes=lambda: simulator.changes(MEETING_ACCOUNT),
                wrong_logins=lambda: simulator.wrong_logins(MEETING_ACCOUNT),
            )
        yield vendor


def _first(driver: str, variant: str | None = None) -> Secret:
    policies = load_driver(driver).policies
    return policies[variant or next(iter(policies))].generate()
