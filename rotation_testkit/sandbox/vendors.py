"""What each vendor's simulator holds in the embedded world: the accounts, their hosts, and the key that resets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from rotation.core.document import SecretDocument, documents
from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting
from rotation_testkit.doubles.vendors.simulator import Simulator
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
class Tenant:
    """One account at a vendor, or a batch of them.

    Attributes:
        document: the account document with the first password.
        live: the password that the account takes now; of a batch the list of them, as ``password_of`` reads it.
        changes: how many resets took effect.
        wrong_logins: how often it was tried with a wrong password.
        host: what takes its logins, where one machine does.
    """

    document: Mapping[str, object]
    live: Callable[[], Secret]
    changes: Callable[[], int]
    wrong_logins: Callable[[], int]
    host: SshHost | WinRmHost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """One vendor, being served.

    Attributes:
        endpoint: its base URL.
        admin: the admin credential's document, ``None`` where accounts change themselves.
        tenants: its accounts by their keys.
    """

    simulator: Simulator
    endpoint: str
    admin: Mapping[str, str] | None = None
    tenants: dict[str, Tenant] = field(default_factory=dict)


Opener = Callable[[Callable[[], float], tuple[str, ...]], AbstractContextManager[Estate]]


@contextmanager
def compshare(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
    """Serve CompShare: a container, virtual machines with Linux and Windows, which take logins while they run."""
    cloud = UCloudCompShare(clock=clock)
    key = cloud.credentials
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    with ExitStack() as stack:
        estate = Estate(simulator=cloud, endpoint=stack.enter_context(cloud.serve()), admin=admin)
        for name in keys:
            estate.tenants[name] = _instance(stack, cloud, name)
        yield estate


def _instance(stack: ExitStack, cloud: UCloudCompShare, key: str) -> Tenant:
    uhost = UHOST_ID + key.removeprefix(UCLOUD).replace("/", "-").replace("_", "-")
    windows, login = key == WINDOWS_VM, "administrator" if key == WINDOWS_VM else LOGIN
    host: SshHost | WinRmHost
    if windows:
        host = stack.enter_context(_winrm(cloud.guest_users(uhost), lambda: cloud.running(uhost)))
    else:
        host = stack.enter_context(SshHost(cloud.guest_login(uhost), up=lambda: cloud.running(uhost)))
    instance = cloud.add_instance(
        uhost,
        password=_first(UCLOUD, "windows" if windows else "linux"),
        instance_type="UHost" if key in {LINUX_VM, WINDOWS_VM} else "Container",
        os_type="Windows" if windows else "Linux",
        ssh=SshAddress(login, host.host, host.port),
    )
    place = {"region": instance.region, "zone": instance.zone, "uhost_id": uhost, **_pin(host, port="winrm_port")}
    return Tenant(
        document={"driver": UCLOUD, "username": login, "password": instance.guest.reveal(), **place},
        live=lambda: cloud.guest_password(uhost),
        changes=lambda: cloud.resets(uhost),
        wrong_logins=lambda: host.rejected[login],
        host=host,
    )


def _winrm(users: Callable[[], Mapping[str, Secret]], up: Callable[[], bool]) -> WinRmHost:
    from rotation_testkit.doubles.hosts.winrm import (
        WinRmHost,  # needs the winrm extra, which the other accounts do without
    )

    return WinRmHost(users, up=up)


def _pin(host: SshHost | WinRmHost, *, port: str) -> dict[str, object]:
    """Return what an account document says of its host, where the vendor does not tell the port."""
    if isinstance(host, SshHost):
        return {"host_key": host.host_key} | ({"ssh_port": host.port} if port == "ssh_port" else {})
    return {"certificate": host.fingerprint, "winrm_port": host.port}


def blackstone(api: str) -> Opener:
    """Return what serves Blackstone's devices for an admin credential of API generation ``v2`` or ``v3``."""

    @contextmanager
    def opened(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
        park = TencentBm(clock=clock)
        key = park.credentials
        admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api}
        with ExitStack() as stack:
            estate = Estate(simulator=park, endpoint=stack.enter_context(park.serve()), admin=admin)
            for name in keys:
                estate.tenants[name] = _batch(stack, park) if name == BATCH else _device(stack, park, name)
            yield estate

    return opened


def _device(stack: ExitStack, park: TencentBm, key: str, suffix: str = "") -> Tenant:
    windows, instance = key == WINDOWS_DEVICE, DEVICE_ID + key.removeprefix(TENCENT).replace("/", "-") + suffix
    first = _first(TENCENT, "windows" if windows else "linux")
    device = park.add_device(instance, password=first, os=WINDOWS if windows else LINUX)
    host: SshHost | WinRmHost
    if windows:
        users = partial(_guest, park, instance)
        host = stack.enter_context(_winrm(users, lambda: park.running(instance)))
    else:
        host = stack.enter_context(SshHost(park.guest_login(instance), up=lambda: park.running(instance)))
    device.lan_ip = host.host
    place = {"instance_id": instance, "region": "ap-beijing", **_pin(host, port="ssh_port")}
    return Tenant(
        document={"driver": TENCENT, "username": device.user, "password": first.reveal(), **place},
        live=lambda: park.guest_password(instance),
        changes=lambda: park.resets(instance),
        wrong_logins=lambda: host.rejected[device.user],
        host=host,
    )


def _guest(park: TencentBm, instance: str) -> dict[str, Secret]:
    device = park.device(instance)
    return {device.user: device.guest}


def _batch(stack: ExitStack, park: TencentBm) -> Tenant:
    """Make three devices that share one secret; ``live`` is the list of their passwords."""
    devices = [_device(stack, park, BATCH, f"-{number}") for number in range(1, 4)]
    shared = ("driver", "username", "region")
    own = [{key: value for key, value in each.document.items() if key not in shared} for each in devices]
    return Tenant(
        document={**{key: devices[0].document[key] for key in shared}, "devices": own},
        live=lambda: Secret(json.dumps([each.live().reveal() for each in devices])),
        changes=lambda: sum(each.changes() for each in devices),
        wrong_logins=lambda: sum(each.wrong_logins() for each in devices),
    )


def password_of(document: SecretDocument) -> Secret:
    """Return a document's password; of a batch the list of them, as ``Tenant.live`` gives it."""
    devices = documents(document, "devices")
    return Secret(json.dumps([each.password.reveal() for each in devices])) if devices else document.password


@contextmanager
def directory(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
    """Serve Cloud Identity with a user. Its API takes no logins, so there are no wrong ones."""
    cloud = VolcengineCloudIdentity(clock=clock)
    key = cloud.credentials
    admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
    with cloud.serve() as endpoint:
        estate = Estate(simulator=cloud, endpoint=endpoint, admin=admin)
        for name in keys:
            first = _first(VOLCENGINE)
            cloud.add_user("robot", first, user_id=USER_ID)
            own = {"username": "robot", "user_id": USER_ID, "password": first.reveal()}
            estate.tenants[name] = Tenant(
                document={"driver": VOLCENGINE, **own},
                live=lambda: cloud.live_password(USER_ID) or Secret(""),
                changes=lambda: cloud.resets(USER_ID),
                wrong_logins=lambda: 0,
            )
        yield estate


@contextmanager
def meeting(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
    """Serve Huawei Meeting with an account that changes its own password."""
    cloud = HuaweiMeeting(clock=clock)
    with cloud.serve() as endpoint:
        estate = Estate(simulator=cloud, endpoint=endpoint)
        for name in keys:
            first = _first(HUAWEI)
            cloud.add_account(MEETING_ACCOUNT, first)
            estate.tenants[name] = Tenant(
                document={"driver": HUAWEI, "username": MEETING_ACCOUNT, "password": first.reveal()},
                live=lambda: cloud.live_password(MEETING_ACCOUNT),
                changes=lambda: cloud.changes(MEETING_ACCOUNT),
                wrong_logins=lambda: cloud.wrong_logins(MEETING_ACCOUNT),
            )
        yield estate


def _first(driver: str, variant: str | None = None) -> Secret:
    policies = load_driver(driver).policies
    return policies[variant or next(iter(policies))].generate()
