"""Tencent CVM: a user of a cloud server, which is stopped for a reset.

Facts: the vendor's pages on ResetInstancesPassword and DescribeInstances; tencentcloud-sdk-python-cvm 3.1.178. A reset
names no task: it is over when the instance's ``LatestOperationState`` is no longer ``OPERATING``.

The vendor's sentences on running instances contradict each other: one refuses them without ``ForceStop``, another says
that it only decides what follows a failed shutdown; none says that the vendor starts them again. So it is never sent.
Without leave (``power_off`` of the admin credential) a running instance is refused before anything is sent; with it the
engine stops the instance, never by force, and restores the power state that it found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, DriverError, PreconditionFailed, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, Power
from rotation.drivers.contract import DriverSpec
from rotation.drivers.families import tencent_api3
from rotation.drivers.families.tencent_cloud import REQUEST_ID_HEADER
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.tencent_cvm.error_codes import ENDPOINT, STATES, TABLE
from rotation.drivers.vendors.tencent_cvm.policy import POLICIES

_STATES = {state.upper(): error for error, states in STATES.items() for state in states}


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The user of the operating system whose password is reset.",
        check=settings.matches(r"[^\x00-\x1f\x7f]{1,64}", "must have 1 to 64 characters"),
    )
    instance_id: str = settings.setting(
        "The instance's id, ins-….", check=settings.matches(r"ins-[A-Za-z0-9]{1,60}", "must be an instance's id, ins-…")
    )
    region: str = tencent_api3.region()
    address: str = login_settings.address()
    ssh_port: int = login_settings.ssh_port()
    host_key: str = login_settings.host_key()
    winrm_port: int = login_settings.winrm_port()
    certificate: str = login_settings.certificate()


@dataclass(frozen=True, slots=True)
class Admin(tencent_api3.Admin):
    """An API key that may describe, reset, stop and start instances."""

    power_off: str = settings.setting(
        "allow, if a running instance may be stopped for a reset; without it such an instance is refused.",
        check=settings.one_of("allow", "refuse"),
        default="refuse",
    )


class TencentCvm(tencent_api3.TencentProduct):
    """Resets through the API; a login is proved by the shared probes, SSH or, on Windows, WinRM."""

    service, version, table = "cvm", "2017-03-12", TABLE

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless."""
        body = {"InstanceIds": [account.instance_id], "Password": new.reveal(), "UserName": account.username}
        self.call(account, "ResetInstancesPassword", body, on="change")

    def observe(self, account: Account) -> Observation:
        """Describe the instance; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance in that region.
            PreconditionFailed: the vendor does not name its operating system, so no policy can be chosen.
        """
        body = {"InstanceIds": [account.instance_id], "Offset": 0, "Limit": 20}
        found = tencent_api3.one(self.call(account, "DescribeInstances", body), "InstanceSet", account.instance_id)
        return self._seen(account, found)

    def stop(self, account: Account) -> None:
        """Ask for a normal shutdown; see ``Powers``. The instance stays charged, so that it keeps its place."""
        body = {"InstanceIds": [account.instance_id], "StopType": "SOFT", "StoppedMode": "KEEP_CHARGING"}
        self.call(account, "StopInstances", body, on="change")

    def start(self, account: Account) -> None:
        """Ask for the instance to be started; see ``Powers``."""
        self.call(account, "StartInstances", {"InstanceIds": [account.instance_id]}, on="change")

    def _seen(self, account: Account, instance: Mapping[str, object]) -> Observation:
        system, state = instance.get("OsName"), str(instance.get("InstanceState"))
        public, private = instance.get("PublicIpAddresses"), instance.get("PrivateIpAddresses")
        host = tencent_api3.chosen(account.address, public=public, private=private)
        windows = tencent_api3.is_windows(system)
        variant = tencent_api3.variant("the instance", windows=windows if system else None)
        obstacles = _obstacles(instance, state)
        if state == "RUNNING" and self.wiring.admin.power_off != "allow":
            hint = "Stop it, or add `power_off` with the value allow to the admin credential."
            obstacles.append(PreconditionFailed("the instance runs, and it may not be stopped for a reset", hint=hint))
        return Observation(
            variant=variant,
            state=state,
            obstacles=tuple(obstacles),
            login=login_settings.machine_login(account, host, windows=windows),
            power=Power(state.lower()) if state in {"RUNNING", "STOPPED"} else None,
            reset_needs=Power.STOPPED,
            change=tencent_api3.latest_change(instance),
        )


def _obstacles(instance: Mapping[str, object], state: str) -> list[DriverError]:
    found: list[DriverError] = []
    if instance.get("RestrictState") not in {None, "NORMAL"}:
        found.append(AccountUnusable("the instance has expired or is isolated", hint="Renew the instance."))
    if instance.get("StopChargingMode") == "STOP_CHARGING":
        message = "the instance was stopped without charge, and the vendor resets no such instance"
        found.append(PreconditionFailed(message, hint="Start the server, or stop it so that it stays charged."))
    error = _STATES.get(state.replace("_", ""))
    if error is not None:
        found.append(error(f"the instance is in the state {state}", hint="Look at the instance in the console."))
    elif state not in {"RUNNING", "STOPPED"}:
        found.append(UnexpectedReply("the vendor shows an unknown state of the instance"))
    return found


DRIVER = DriverSpec(
    code="tencent_cvm",
    name="Tencent CVM",
    docs="https://cloud.tencent.com/document/api/213/15736",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT, "https://cvm.intl.tencentcloudapi.com"),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=TencentCvm,
    source="Vendor pages on ResetInstancesPassword, DescribeInstances; SDK cvm 3.1.178 and the codes that it lists",
    checked="2026-11-30",
    not_identity=frozenset({"address", "ssh_port", "host_key", "winrm_port", "certificate"}),
    harmless={"region": "ap-guangzhou", "instance_id": "ins-doesnotexist", "username": "root"},
    login_probes=frozenset({"ssh", "winrm"}),
    propagation_seconds=5,  # assumed: the vendor does not say how long a guest takes after its start
    poll_seconds=5,  # assumed: no duration is documented; the vendor allows 10 resets and 40 looks a second
    completes_by_state=True,
    request_id_header=REQUEST_ID_HEADER,
    error_table=TABLE,
    sdks=("tencentcloud-sdk-python-cvm",),
)
