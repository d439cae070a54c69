"""What each vendor's simulator holds in the embedded world: the accounts, their hosts, and the key that resets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from rotation.policy import VENDOR_POLICIES
from rotation.secret import Secret
from rotation.testing.simulators._web import Simulator
from rotation.testing.simulators.huawei_meeting import HuaweiMeeting
from rotation.testing.simulators.tencent_bm import TencentBm
from rotation.testing.simulators.ucloud_compshare import SshAddress, UCloudCompShare
from rotation.testing.simulators.volcengine_cloudidentity import VolcengineCloudIdentity
from rotation.testing.ssh_host import SshHost

UCLOUD, HUAWEI = "ucloud_compshare", "huawei_meeting"
TENCENT, VOLCENGINE = "tencent_bm", "volcengine_cloudidentity"
LINUX_VM = "ucloud_compshare/linux_vm"
DRIVERS = (UCLOUD, TENCENT, VOLCENGINE, HUAWEI)
"""One account for each driver: a container, a Linux device, a directory user, a meeting account."""
ALL = (UCLOUD, LINUX_VM, TENCENT, VOLCENGINE, HUAWEI)
"""Every account that the world can hold. What stands before the slash is the driver's code."""

LOGIN = "root"
UHOST_ID, VM_ID, DEVICE_ID, USER_ID = "uhost-demo", "uhost-demo-vm", "cpm-demo", "user-demo"
MEETING_ACCOUNT = "robot@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One account at a vendor.

    Attributes:
        document: the account document without its password.
        live: the password that the account takes now.
        changes: how many resets took effect.
        wrong_logins: how often it was tried with a wrong password.
        ssh: the host that takes its logins, if one does.
    """

    document: Mapping[str, object]
    live: Callable[[], Secret]
    changes: Callable[[], int]
    wrong_logins: Callable[[], int]
    ssh: SshHost | None = None


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
    """Serve CompShare with a container and a virtual machine, each of which takes logins by SSH while it runs."""
    cloud = UCloudCompShare(clock=clock)
    key = cloud.credentials
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    with ExitStack() as stack:
        estate = Estate(simulator=cloud, endpoint=stack.enter_context(cloud.serve()), admin=admin)
        for name in keys:
            estate.tenants[name] = _instance(stack, cloud, name)
        yield estate


def _instance(stack: ExitStack, cloud: UCloudCompShare, key: str) -> Tenant:
    uhost, kind = (VM_ID, "Uhost") if key == LINUX_VM else (UHOST_ID, "Container")
    ssh = stack.enter_context(SshHost(cloud.guest_login(uhost), up=lambda: cloud.running(uhost)))
    address = SshAddress(LOGIN, ssh.host, ssh.port)
    instance = cloud.add_instance(uhost, password=_first(UCLOUD), instance_type=kind, ssh=address)
    place = {"region": instance.region, "zone": instance.zone, "uhost_id": uhost, "host_key": ssh.host_key}
    return Tenant(
        document={"driver": UCLOUD, "username": LOGIN, **place},
        live=lambda: cloud.guest_password(uhost),
        changes=lambda: cloud.resets(uhost),
        wrong_logins=lambda: ssh.rejected[LOGIN],
        ssh=ssh,
    )


def blackstone(api: str) -> Opener:
    """Return what serves Blackstone with a Linux device, for an admin credential of API generation ``v2`` or ``v3``."""

    @contextmanager
    def opened(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
        park = TencentBm(clock=clock)
        key = park.credentials
        admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api}
        with ExitStack() as stack:
            estate = Estate(simulator=park, endpoint=stack.enter_context(park.serve()), admin=admin)
            for name in keys:
                estate.tenants[name] = _device(stack, park)
            yield estate

    return opened


def _device(stack: ExitStack, park: TencentBm) -> Tenant:
    ssh = stack.enter_context(SshHost(park.guest_login(DEVICE_ID), up=lambda: park.running(DEVICE_ID)))
    device = park.add_device(DEVICE_ID, password=_first(TENCENT))
    device.lan_ip = ssh.host
    place = {"instance_id": DEVICE_ID, "region": "ap-beijing", "ssh_port": ssh.port, "host_key": ssh.host_key}
    return Tenant(
        document={"driver": TENCENT, "username": device.user, **place},
        live=lambda: park.guest_password(DEVICE_ID),
        changes=lambda: park.resets(DEVICE_ID),
        wrong_logins=lambda: ssh.rejected[device.user],
        ssh=ssh,
    )


@contextmanager
def directory(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[Estate]:
    """Serve Cloud Identity with a user. Its API takes no logins, so there are no wrong ones."""
    cloud = VolcengineCloudIdentity(clock=clock)
    key = cloud.credentials
    admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
    with cloud.serve() as endpoint:
        estate = Estate(simulator=cloud, endpoint=endpoint, admin=admin)
        for name in keys:
            user = cloud.add_user("robot", _first(VOLCENGINE), user_id=USER_ID)
            estate.tenants[name] = Tenant(
                document={"driver": VOLCENGINE, "username": user.user_name, "user_id": USER_ID},
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
            cloud.add_account(MEETING_ACCOUNT, _first(HUAWEI))
            estate.tenants[name] = Tenant(
                document={"driver": HUAWEI, "username": MEETING_ACCOUNT},
                live=lambda: cloud.live_password(MEETING_ACCOUNT),
                changes=lambda: cloud.changes(MEETING_ACCOUNT),
                wrong_logins=lambda: cloud.wrong_logins(MEETING_ACCOUNT),
            )
        yield estate


def _first(driver: str) -> Secret:
    return next(iter(VENDOR_POLICIES[driver].values())).generate()
