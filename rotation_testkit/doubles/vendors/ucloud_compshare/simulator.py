"""UCloud CompShare: containers and virtual machines behind UCloud's gateway."""

from __future__ import annotations

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.ucloud.gateway import ApiKey, signature
from rotation_testkit.doubles.families.ucloud.service import DEFAULT_PROJECT, OpenCodes
from rotation_testkit.doubles.families.ucloud.simulator import UCloudSimulator
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays
from rotation_testkit.doubles.vendors.ucloud_compshare.instances import Instance, SshAddress
from rotation_testkit.doubles.vendors.ucloud_compshare.service import REGION, ZONE, CompShareService

__all__ = ["ApiKey", "Delays", "Instance", "OpenCodes", "SshAddress", "UCloudCompShare", "signature"]


class UCloudCompShare(UCloudSimulator[Instance]):
    """The simulated API of api.compshare.cn; see ``UCloudSimulator``."""

    product, product_codes = CompShareService, OpenCodes(expired=226602, arrears=226601, no_capacity=226604)

    def add_instance(  # noqa: PLR0913 - a cloud instance has that many facts, all named
        self,
        uhost_id: str,
        *,
        password: Secret,
        instance_type: str = "Container",
        os_type: str = "Linux",
        state: str = "Running",
        region: str = REGION,
        zone: str = ZONE,
        project_id: str = DEFAULT_PROJECT,
        charge_type: str = "Postpay",
        ssh: SshAddress | tuple[str, str, int] | None = None,
    ) -> Instance:
        """Create an instance whose guest accepts ``password``. The result's fields are switches for the test."""
        address = ssh if isinstance(ssh, SshAddress) else SshAddress(*ssh) if ssh else SshAddress()
        instance = Instance(uhost_id, password, region, zone, project_id, password=password, ssh=address)
        instance.instance_type, instance.os_type = instance_type, os_type
        instance.state, instance.charge_type = state, charge_type
        return self.add(instance)
