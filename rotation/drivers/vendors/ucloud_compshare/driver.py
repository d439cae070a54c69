"""UCloud CompShare: GPU containers, reset while they run, and virtual machines, which must be stopped for it.

Facts: the vendor's page on ResetCompShareInstancePassword, and DescribeCompShareInstance in its public action list.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families import ucloud
from rotation.drivers.vendors.ucloud_compshare.error_codes import TABLE
from rotation.drivers.vendors.ucloud_compshare.instance import Account, observation
from rotation.drivers.vendors.ucloud_compshare.policy import POLICIES


@dataclass(frozen=True, slots=True)
class Admin:
    """An API key that may describe and reset instances."""

    public_key: str = settings.setting("Public key of the API key pair.")
    private_key: Secret = settings.setting("Private key of the API key pair.")  # noqa: RUF009 - declares a field


class UCloudCompShare:
    """Resets through the API; a login is proved by the shared probes, SSH or, on Windows, WinRM."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the port's signature; an ADMIN reset needs no old password
        """Send one reset; see ``ports.Driver``. RetCode 0 proves that the vendor took it, not that the guest did.

        Repeating it with the same password is harmless.
        """
        password = base64.b64encode(new.reveal().encode()).decode()
        params = {**_place(account), "UHostId": account.uhost_id, "Password": password}
        self._call("ResetCompShareInstancePassword", params, changes=True)

    def observe(self, account: Account) -> Observation:
        """Describe the instance; see ``ports.Observes``.

        Raises:
            AccountUnusable: there is no such instance in that place.
        """
        params = {**_place(account), "UHostIds": [account.uhost_id], "Offset": 0, "Limit": 20}
        answer = self._call("DescribeCompShareInstance", params, changes=False)
        # The answer holds the passwords of all instances that it lists, hence only ours is looked at.
        hosts = answer.get("UHostSet")
        if not isinstance(hosts, list):
            raise UnexpectedReply("the vendor's answer lacks UHostSet")
        for host in hosts:
            if isinstance(host, dict) and host.get("UHostId") == account.uhost_id:
                return observation(account, host)
        raise AccountUnusable("there is no such instance", hint="Check region, zone, uhost_id and project_id.")

    def stop(self, account: Account) -> None:
        """Ask for the machine to be stopped; see ``ports.Powers``. A post-paid one gives its capacity back."""
        self._call("StopCompShareInstance", {**_place(account), "UHostId": account.uhost_id}, changes=True)

    def start(self, account: Account) -> None:
        """Ask for the machine to be started; see ``ports.Powers``. Fails with 226604 while capacity is lacking."""
        self._call("StartCompShareInstance", {**_place(account), "UHostId": account.uhost_id}, changes=True)

    def _call(self, action: str, params: Mapping[str, object], *, changes: bool) -> dict[str, object]:
        admin: Admin = self._wiring.admin
        return ucloud.call(
            self._wiring.http,
            self._wiring.endpoint,
            action,
            params,
            public_key=admin.public_key,
            private_key=admin.private_key,
            table=TABLE,
            changes=changes,
        )


def _place(account: Account) -> dict[str, object]:
    return {"Region": account.region, "Zone": account.zone, "ProjectId": account.project_id or None}


DRIVER = DriverSpec(
    code="ucloud_compshare",
    name="UCloud CompShare",
    docs="https://www.compshare.cn/docs",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint="https://api.compshare.cn",
    endpoints=("https://api.compshare.cn", "https://api.ucloud.cn"),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=UCloudCompShare,
    source="Vendor pages on ResetCompShareInstancePassword and DescribeCompShareInstance; API error code lists",
    checked="2026-11-22",
    not_identity=frozenset({"host_key", "winrm_port", "certificate"}),
    login_probes=frozenset({"ssh", "winrm"}),
    propagation_seconds=5,  # assumed: the vendor does not say how long a guest takes
    call_seconds=15,
    request_id_header=ucloud.REQUEST_ID_HEADER,
    error_table=TABLE,
)
