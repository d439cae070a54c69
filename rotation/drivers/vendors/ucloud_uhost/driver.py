"""UCloud UHost: cloud servers, which must be stopped for a reset.

Facts: the vendor's pages on ResetUHostInstancePassword and DescribeUHostInstance, its error codes and field rules,
ucloud-sdk-python3 0.11.150. ``AutoStart`` is left at false: the engine restores the power state that it found.

Not documented, and read with care, so that a machine of such a kind is refused before it is stopped:

* what a reset does to a key pair that logs in (``LoginMode`` is then changed to ``Password``);
* whether a machine with encrypted disks starts without ``DiskPassword``, which StartUHostInstance takes;
* whether a spot machine keeps its place while it is stopped;
* which user is reset: root or ubuntu on Linux, by the image. Another ``username`` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import DriverError, PreconditionFailed
from rotation.core.values import Authority, Evidence, Observation, Power
from rotation.drivers.contract import DriverSpec
from rotation.drivers.families.ucloud import REQUEST_ID_HEADER
from rotation.drivers.families.ucloud_machines import machine
from rotation.drivers.families.ucloud_machines.driver import Admin, UCloudMachines
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.ucloud_uhost.error_codes import ENDPOINT, NOUN, TABLE
from rotation.drivers.vendors.ucloud_uhost.policy import POLICIES


@dataclass(frozen=True, slots=True)
class Account(machine.Machine):
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The login that the vendor resets: root, ubuntu on Ubuntu's images, administrator on Windows.",
        check=settings.matches(r"root|ubuntu|[Aa]dministrator", "must be root, ubuntu or administrator"),
    )
    address: str = login_settings.address()
    ssh_port: int = login_settings.ssh_port()
    host_key: str = login_settings.host_key()
    winrm_port: int = login_settings.winrm_port()
    certificate: str = login_settings.certificate()


class UCloudUHost(UCloudMachines[Account]):
    """UHost's instances."""

    noun, table = NOUN, TABLE

    def seen(self, account: Account, host: Mapping[str, object]) -> Observation:
        """See ``UCloudMachines``."""
        windows = machine.is_windows(host)
        # Ubuntu's own image logs in as ubuntu, but an image made from it may have root, so both are taken there.
        of_ubuntu = account.username == "ubuntu" and "ubuntu" in str(host.get("OsName")).lower()
        own = "ubuntu" if of_ubuntu else "root"
        hint = "Set username to root, or to ubuntu on Ubuntu's images."
        obstacles = [
            *machine.lifecycle(host),
            *machine.spot(host, "Preemptive", "Spot"),
            *machine.wrong_user(account.username, own, hint, windows=windows),
            *_doubts(host),
        ]
        return Observation(
            variant="windows" if windows else "linux",
            state=str(host.get("State") or ""),
            obstacles=tuple(obstacles),
            login=login_settings.machine_login(account, machine.address(host, account.address), windows=windows),
            power=machine.power(host),
            reset_needs=Power.STOPPED,
        )


def _doubts(host: Mapping[str, object]) -> list[DriverError]:
    found: list[DriverError] = []
    pair, disks = host.get("KeyPair"), host.get("DiskSet")
    if isinstance(pair, dict) and pair.get("KeyPairId") and pair.get("KeyPairState") != "Deleted":
        message = "the machine logs in by a key pair, and the vendor does not say what a reset does to it"
        found.append(PreconditionFailed(message, hint="Take this secret out of rotation, or unbind the key pair."))
    encrypted = any(isinstance(disk, dict) and disk.get("Encrypted") == "true" for disk in _list(disks))
    if encrypted and host.get("State") == "Running":
        message = "the machine has an encrypted disk, and the vendor does not say whether it starts without a password"
        found.append(
            PreconditionFailed(message, hint="Reset the server by hand, or move it to disks without encryption.")
        )
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


DRIVER = DriverSpec(
    code="ucloud_uhost",
    name="UCloud UHost",
    docs="https://docs.ucloud.cn/api/uhost-api/reset_uhost_instance_password",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT,),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=UCloudUHost,
    source="Vendor pages on ResetUHostInstancePassword, DescribeUHostInstance, error codes, field rules; SDK 0.11.150",
    checked="2026-11-30",
    not_identity=frozenset({"address", "ssh_port", "host_key", "winrm_port", "certificate"}),
    harmless={"region": "cn-bj2", "zone": "cn-bj2-04", "uhost_id": "uhost-does-not-exist", "username": "root"},
    login_probes=frozenset({"ssh", "winrm"}),
    propagation_seconds=5,  # assumed: the vendor does not say how long a guest takes after its start
    request_id_header=REQUEST_ID_HEADER,
    error_table=TABLE,
    sdks=("ucloud-sdk-python3",),
)
