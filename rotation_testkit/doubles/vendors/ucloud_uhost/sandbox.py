"""UHost's accounts in the sandbox: a server with Linux and one with Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.vendors.ucloud_uhost.simulator import UCloudUHost
from rotation_testkit.sandbox.machines import login_host, machine, pin
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "ucloud_uhost"
WINDOWS_SERVER = f"{CODE}/windows"
ACCOUNTS = (CODE, WINDOWS_SERVER)


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve UHost with servers that take logins while they run."""
    simulator = UCloudUHost(clock=clock)
    key = simulator.credentials
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            vendor.accounts[name] = _server(stack, simulator, name)
        yield vendor


def _server(stack: ExitStack, simulator: UCloudUHost, key: str) -> SandboxAccount:
    uhost, os_type = "uhost-demo" + key.removeprefix(CODE).replace("/", "-"), "Linux"
    if key == WINDOWS_SERVER:
        os_type = "Windows"
    server = simulator.add_server(uhost, password=first_password(CODE, os_type.lower()), os_type=os_type)
    host = login_host(stack, simulator, uhost, windows=os_type == "Windows")
    document = {"driver": CODE, "region": server.region, "zone": server.zone, "uhost_id": uhost}
    return machine(simulator, uhost, host, {**document, **pin(host)})
