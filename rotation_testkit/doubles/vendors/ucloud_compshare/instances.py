"""CompShare instances as the simulated service keeps them: containers beside virtual machines."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.ucloud.machines import Machine


@dataclass(frozen=True, slots=True)
class SshAddress:
    """User, host and port of the SSH login; Describe shows them as a command line."""

    user: str = "root"
    host: str = "127.0.0.1"
    port: int = 23

    @property
    def command(self) -> str:
        """The vendor's ``SshLoginCommand``."""
        return f"ssh -p {self.port} {self.user}@{self.host}"


@dataclass(slots=True, kw_only=True)
class Instance(Machine):
    """One container or virtual machine. ``password`` is what the service stored and Describe returns."""

    password: Secret
    instance_type: str = "Container"
    image_type: str = "System"
    ssh: SshAddress = field(default_factory=SshAddress)
    without_gpu_start: bool = True
    plain_password: bool = False  # Describe shows a legacy password that is not base64

    @property
    def container(self) -> bool:
        """Whether this is a container; every other type is a host."""
        return self.instance_type == "Container"

    @property
    def user(self) -> str:
        """The account whose password the vendor resets."""
        return self.ssh.user

    @property
    def ip(self) -> str:
        """The public address."""
        return self.ssh.host

    def store(self, password: Secret) -> None:
        """See ``Machine``."""
        self.password = password

    def describe(self) -> dict[str, object]:
        """Return the vendor's view of this instance, with its password."""
        shown = self.password.reveal()
        return {
            **Machine.describe(self),
            "InstanceType": self.instance_type,
            "CompShareImageType": self.image_type,
            "Password": shown if self.plain_password else base64.b64encode(shown.encode()).decode(),
            "SshLoginCommand": self.ssh.command if self.os_type == "Linux" else "",
            "SupportWithoutGpuStart": self.without_gpu_start,
        }
