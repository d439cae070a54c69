"""UCloud CompShare: GPU containers, which are reset while they run, and virtual machines, which must be stopped first.

Facts: the vendor's page on ResetCompShareInstancePassword, and DescribeCompShareInstance in its public action list.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.ucloud import REQUEST_ID_HEADER, UCloud
from rotation.drivers.vendors.ucloud_compshare.error_codes import ENDPOINT, TABLE
from rotation.drivers.vendors.ucloud_compshare.instance import Account, observation
from rotation.drivers.vendors.ucloud_compshare.policy import POLICIES


@dataclass(frozen=True, slots=True)
class Admin:
    """An API key that may describe and reset instances."""

    public_key: str = settings.setting("Public key of the API key pair.")
    private_key: Secret = settings.setting("Private key of the API key pair.")  # noqa: RUF009 - declares a field
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Session token of a temporary key.", default=Secret("")
    )


class UCloudCompShare:
    """Resets through the API; a login is proved by the shared probes, SSH or, on Windows, WinRM."""

    def __init__(self, wiring: Wiring) -> None:
        admin: Admin = wiring.admin
        key, token = admin.private_key, admin.session_token
        self._api = UCloud(wiring=wiring, table=TABLE, public_key=admin.public_key, private_key=key, token=token)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. RetCode 0 proves that the vendor accepted it, not that the guest did.

        Repeating it with the same password is harmless.
        """
        password = base64.b64encode(new.reveal().encode()).decode()
        params = {**_place(account), "UHostId": account.uhost_id, "Password": password}
        self._api.call("ResetCompShareInstancePassword", params, on="change")

    def observe(self, account: Account) -> Observation:
        """Describe the instance; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance in that place.
        """
        params = {**_place(account), "UHostIds": [account.uhost_id], "Offset": 0, "Limit": 20}
        answer = self._api.call("DescribeCompShareInstance", params)
        # The answer holds the passwords of all instances that it lists, so we read only ours.
        hosts = answer.get("UHostSet")
        if not isinstance(hosts, list):
            raise UnexpectedReply("the vendor's answer lacks UHostSet")
        for host in hosts:
            if isinstance(host, dict) and host.get("UHostId") == account.uhost_id:
                return observation(account, host)
        raise AccountUnusable("there is no such instance", hint="Check region, zone, uhost_id and project_id.")

    def stop(self, account: Account) -> None:
        """Ask for the machine to be stopped; see ``Powers``. A post-paid one gives its capacity back."""
        self._api.call("StopCompShareInstance", {**_place(account), "UHostId": account.uhost_id}, on="change")

    def start(self, account: Account) -> None:
        """Ask for the machine to be started; see ``Powers``. Fails with 226604 while capacity is lacking."""
        self._api.call("StartCompShareInstance", {**_place(account), "UHostId": account.uhost_id}, on="change")


def _place(account: Account) -> dict[str, object]:
    return {"Region": account.region, "Zone": account.zone, "ProjectId": account.project_id or None}


DRIVER = DriverSpec(
    code="ucloud_compshare",
    name="UCloud CompShare",
    docs="https://www.compshare.cn/docs",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT, "https://api.ucloud.cn"),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=UCloudCompShare,
    source="Vendor pages on ResetCompShareInstancePassword and DescribeCompShareInstance; API error code lists",
    checked="2026-11-22",
    not_identity=frozenset({"host_key", "winrm_port", "certificate"}),
    harmless={"region": "cn-wlcb", "zone": "cn-wlcb-01", "uhost_id": "uhost-does-not-exist", "username": "root"},
    login_probes=frozenset({"ssh", "winrm"}),
    propagation_seconds=5,  # assumed: the vendor does not say how long a guest takes
    request_id_header=REQUEST_ID_HEADER,
    error_table=TABLE,
)
