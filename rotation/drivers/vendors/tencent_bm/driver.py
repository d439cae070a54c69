"""Tencent Blackstone: the root or Administrator login of one physical server.

Facts: the vendor's pages on ResetDevicePasswd and its neighbours (2018-12, 2019-06-17) and API 3.0 of 2018-04-23. A
reset is a task at the vendor, which an agent on the device carries out.

The vendor offers two generations of the API, on two hosts. The deployment's endpoint decides which one is called; where
the endpoint is not one of these hosts, ``api`` in the admin credential decides. The rotated secret cannot choose.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import DriverError, PreconditionFailed
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, Progress, Task, TaskState
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families import tencent_api3, tencent_cloud, tencent_cloud_v2
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.tencent_bm import bare_metal_api
from rotation.drivers.vendors.tencent_bm.device import wrong_user
from rotation.drivers.vendors.tencent_bm.error_codes import TASK_UNKNOWN, V2_HOST, V2_TABLE, V3_HOST, V3_TABLE
from rotation.drivers.vendors.tencent_bm.policy import POLICIES


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The login that the vendor resets: root on Linux, Administrator on Windows.",
        check=settings.matches(r"[A-Za-z]{1,32}", "must be root or Administrator"),
    )
    instance_id: str = settings.setting(
        "The device's id, cpm-….", check=settings.matches(r"cpm-[A-Za-z0-9-]{1,60}", "must be a device's id, cpm-…")
    )
    region: str = tencent_api3.region()
    ssh_port: int = login_settings.ssh_port()
    ssh_address: str = settings.setting(
        "Which address to log in at: wan, lan, or auto (the public one where there is one).",
        check=settings.one_of("auto", "wan", "lan"),
        default="auto",
    )
    host_key: str = login_settings.host_key()
    winrm_port: int = login_settings.winrm_port()
    certificate: str = login_settings.certificate()


@dataclass(frozen=True, slots=True)
class Admin(tencent_api3.Admin):
    """An API key that may look at devices, systems, tasks and logs, and reset passwords."""

    api: str = settings.setting(
        "v2 or v3; only needed where the deployment's endpoint is not the vendor's own.",
        check=settings.one_of("v2", "v3"),
        default="",
    )
    digest: str = settings.setting(
        "Digest of v2's signatures.", check=settings.one_of(*tencent_cloud_v2.DIGESTS), default="HmacSHA256"
    )


class TencentBm:
    """Resets through the API; a login is proved by the shared probes, SSH or, on Windows, WinRM.

    Raises:
        ConfigError: the generation of the API is unknown, or endpoint and credential contradict each other.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._api = bare_metal_api.in_region(wiring, wiring.admin.api, wiring.admin.digest)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> Task:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless.

        Raises:
            InProgress: the vendor refused by the device's state, and that state is passing.
        """
        try:
            return Task(str(self._api(account.region).reset([account.instance_id], new)))
        except PreconditionFailed as refusal:
            raise self._explained(account, refusal) from None

    def observe(self, account: Account) -> Observation:
        """Read the device and its operating system; see ``Observes``.

        Raises:
            AccountUnusable: there is no such device in that region.
            PreconditionFailed: the vendor does not name its operating system, so no policy can be chosen.
        """
        api = self._api(account.region)
        device = api.device(account.instance_id)
        variant = tencent_api3.variant("the device", windows=api.windows(device))
        windows = variant == "windows"
        obstacles = (*device.obstacles(), *wrong_user(account.username, windows=windows))
        login = login_settings.machine_login(account, device.address(account.ssh_address), windows=windows)
        return Observation(variant, str(device.operate_status), obstacles, login)

    def poll(self, account: Account, task: Task) -> Progress:
        """Read the state of the reset of this account's device; see ``Polls``.

        A task that the vendor no longer knows counts as failed. The same candidate is then sent again, harmlessly.
        """
        try:
            return self._api(account.region).task(tencent_api3.whole(task.id)).progress(account.instance_id)
        except DriverError as refusal:
            if refusal.vendor_code not in TASK_UNKNOWN:
                raise
            return Progress(TaskState.FAILED, "the vendor no longer knows the task")

    def _explained(self, account: Account, refusal: PreconditionFailed) -> DriverError:
        """Return the obstacle that the device shows now: the vendor has one code for "never" and for "not now"."""
        with suppress(DriverError):
            for obstacle in self.observe(account).obstacles:
                if obstacle.definite:
                    return obstacle.changed(vendor_code=refusal.vendor_code, request_id=refusal.request_id)
        return refusal


DRIVER = DriverSpec(
    code="tencent_bm",
    name="Tencent Blackstone",
    docs="https://cloud.tencent.com/document/product/386",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=V3_HOST,  # the vendor says of v2 that it may not be maintained any longer
    endpoints=(V3_HOST, V2_HOST),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=TencentBm,
    source="Vendor pages on ResetDevicePasswd (2019-06-17) and DescribeDevice (2018-12); SDK bm 3.0.1459",
    checked="2026-11-22",
    not_identity=frozenset({"host_key", "ssh_port", "ssh_address", "winrm_port", "certificate"}),
    harmless={"region": "ap-beijing", "instance_id": "cpm-does-not-exist", "username": "root"},
    login_probes=frozenset({"ssh", "winrm"}),
    propagation_seconds=5,  # assumed: the vendor does not say how soon after its task the login takes it
    poll_seconds=5,  # assumed: no duration is documented; v2 allows 100 calls of one kind in a minute
    request_id_header=tencent_cloud.REQUEST_ID_HEADER,
    error_table=V2_TABLE + V3_TABLE,
    batch_key="devices",
    sdks=("tencentcloud-sdk-python-bm",),
)
