"""CVM's accounts in the sandbox: a server with Linux and one with Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.vendors.tencent_cvm.simulator import TencentCvm
from rotation_testkit.sandbox.machines import login_host, machine, pin
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "tencent_cvm"
WINDOWS_SERVER = f"{CODE}/windows"
ACCOUNTS = (CODE, WINDOWS_SERVER)


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve CVM with servers that take logins while they run, and leave to stop them."""
    simulator = TencentCvm(clock=clock)
    key = simulator.credentials
    admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "power_off": "allow"}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            vendor.accounts[name] = _server(stack, simulator, name)
        yield vendor


def _server(stack: ExitStack, simulator: TencentCvm, key: str) -> SandboxAccount:
    windows, instance_id = key == WINDOWS_SERVER, "ins-demo" + key.removeprefix(CODE).replace("/", "")
    first = first_password(CODE, "windows" if windows else "linux")
    server = simulator.add_server(instance_id, password=first, os_name="Windows Server 2022" if windows else "")
    host = login_host(stack, simulator, instance_id, windows=windows)
    server.private_ip = host.host
    document = {"driver": CODE, "instance_id": instance_id, "region": server.region}
    return machine(simulator, instance_id, host, {**document, **pin(host)})
