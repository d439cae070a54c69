"""UCloud CompShare: GPU containers, which are reset while they run, and virtual machines, which must be stopped first.

Facts: the vendor's page on ResetCompShareInstancePassword, and DescribeCompShareInstance in its public action list.
"""

from __future__ import annotations

from collections.abc import Mapping

from rotation.core.values import Authority, Evidence, Observation
from rotation.drivers.contract import DriverSpec
from rotation.drivers.families.ucloud import REQUEST_ID_HEADER
from rotation.drivers.families.ucloud_machines.driver import Admin, UCloudMachines
from rotation.drivers.vendors.ucloud_compshare.error_codes import ENDPOINT, NOUN, TABLE
from rotation.drivers.vendors.ucloud_compshare.instance import Account, observation
from rotation.drivers.vendors.ucloud_compshare.policy import POLICIES


class UCloudCompShare(UCloudMachines[Account]):
    """CompShare's instances."""

    noun, table = NOUN, TABLE

    def seen(self, account: Account, host: Mapping[str, object]) -> Observation:
        """See ``UCloudMachines``."""
        return observation(account, host)


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
    sdks=("ucloud-sdk-python3",),
)
