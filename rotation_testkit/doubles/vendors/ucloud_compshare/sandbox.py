"""CompShare's accounts in the sandbox: a container, and virtual machines with Linux and Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress, UCloudCompShare
from rotation_testkit.sandbox.machines import login_host, machine, pin
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "ucloud_compshare"
LINUX_VM, WINDOWS_VM = f"{CODE}/linux_vm", f"{CODE}/windows_vm"
ACCOUNTS = (CODE, LINUX_VM, WINDOWS_VM)
SECOND_CONTAINER = f"{CODE}/second"
"""Served if it is asked for: the demonstration needs two."""
LOGIN, UHOST_ID = "root", "uhost-demo"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve CompShare with instances that take logins while they run."""
    simulator = UCloudCompShare(clock=clock)
    key = simulator.credentials
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            vendor.accounts[name] = _instance(stack, simulator, name)
        yield vendor


def _instance(stack: ExitStack, simulator: UCloudCompShare, key: str) -> SandboxAccount:
    uhost = UHOST_ID + key.removeprefix(CODE).replace("/", "-").replace("_", "-")
    windows = key == WINDOWS_VM
    user, os_type = ("administrator", "Windows") if windows else (LOGIN, "Linux")
    host = login_host(stack, simulator, uhost, windows=windows)
    instance = simulator.add_instance(
        uhost,
        password=first_password(CODE, os_type.lower()),
        instance_type="UHost" if key in {LINUX_VM, WINDOWS_VM} else "Container",
        os_type=os_type,
        ssh=SshAddress(user, host.host, host.port),
    )
    document = {"driver": CODE, "region": instance.region, "zone": instance.zone, "uhost_id": uhost}
    # Describe tells the SSH port, not WinRM's.
    return machine(simulator, uhost, host, {**document, **pin(host, tells_ssh_port=True)})
