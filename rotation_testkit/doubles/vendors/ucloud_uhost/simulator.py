"""UCloud UHost: cloud servers behind UCloud's gateway."""

from __future__ import annotations

from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.ucloud.gateway import ApiKey
from rotation_testkit.doubles.families.ucloud.machines import Machine
from rotation_testkit.doubles.families.ucloud.service import DEFAULT_PROJECT, MachineService, OpenCodes
from rotation_testkit.doubles.families.ucloud.simulator import UCloudSimulator
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays

__all__ = ["ApiKey", "Delays", "OpenCodes", "Server", "UCloudUHost"]

REGION, ZONE = "cn-bj2", "cn-bj2-04"


@dataclass(slots=True, kw_only=True)
class Server(Machine):
    """One cloud server. ``key_pair`` names the key pair that it logs in with, if any."""

    user: str = "root"
    ip: str = "127.0.0.1"
    key_pair: str = ""
    encrypted: bool = False

    def describe(self) -> dict[str, object]:
        """Return the vendor's view, with the fields of DescribeUHostInstance that concern a reset."""
        disk = {"DiskId": "bsi-1", "IsBoot": "True", "DiskType": "CLOUD_SSD", "Type": "Boot", "Size": 20}
        return {
            **Machine.describe(self),
            "BootDiskState": "Normal",
            "LifeCycle": "Normal",
            "MachineType": "N",
            "DiskSet": [{**disk, "Encrypted": "true" if self.encrypted else "false"}],
            "KeyPair": {"KeyPairId": self.key_pair, "KeyPairState": "Normal"} if self.key_pair else {},
        }


class UHostService(MachineService[Server]):
    """The actions on servers. A zone need not be named, and no code says that capacity is lacking."""

    noun, spot, place = "UHostInstance", frozenset({"Preemptive", "Spot"}), ("Region",)


class UCloudUHost(UCloudSimulator[Server]):
    """The simulated API of api.ucloud.cn; see ``UCloudSimulator``."""

    product, product_codes = UHostService, OpenCodes(expired=8117, arrears=8104, no_capacity=8844)

    def add_server(self, uhost_id: str, *, password: Secret, os_type: str = "Linux", state: str = "Running") -> Server:
        """Create a server whose guest accepts ``password``. The result's fields are switches for the test."""
        server = Server(uhost_id, password, REGION, ZONE, DEFAULT_PROJECT, os_type=os_type, state=state)
        server.charge_type = "Dynamic"
        windows = os_type == "Windows"
        server.user, server.os_name = ("administrator", "Windows 2019") if windows else ("root", "CentOS 7.9")
        return self.add(server)
