"""Blackstone's accounts in the sandbox: a Linux device, one with Windows, and a batch of three."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.tencent_bm.simulator import LINUX, WINDOWS, TencentBm
from rotation_testkit.sandbox.machines import login_host, machine, pin
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, VendorServer, first_password

CODE = "tencent_bm"
WINDOWS_DEVICE, BATCH = f"{CODE}/windows", f"{CODE}/batch"
ACCOUNTS = (CODE, WINDOWS_DEVICE, BATCH)
DEVICE_ID = "cpm-demo"


def blackstone(api: str) -> VendorServer:
    """Return what serves Blackstone's devices for an admin credential of API generation ``v2`` or ``v3``."""

    @contextmanager
    def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
        simulator = TencentBm(clock=clock)
        key = simulator.credentials
        admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api}
        with ExitStack() as stack:
            vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
            for name in keys:
                make = _batch if name == BATCH else _device
                vendor.accounts[name] = make(stack, simulator, name)
            yield vendor

    return serve


serve = blackstone("v3")


def _device(stack: ExitStack, simulator: TencentBm, key: str, suffix: str = "") -> SandboxAccount:
    windows, instance_id = key == WINDOWS_DEVICE, DEVICE_ID + key.removeprefix(CODE).replace("/", "-") + suffix
    first = first_password(CODE, "windows" if windows else "linux")
    device = simulator.add_device(instance_id, password=first, os=WINDOWS if windows else LINUX)
    host = login_host(stack, simulator, instance_id, windows=windows)
    device.lan_ip = host.host
    document = {"driver": CODE, "instance_id": instance_id, "region": "ap-beijing"}
    return machine(simulator, instance_id, host, {**document, **pin(host)})


def _batch(stack: ExitStack, simulator: TencentBm, key: str) -> SandboxAccount:
    """Make three devices that share one secret; ``live`` is the list of their passwords."""
    devices = [_device(stack, simulator, key, f"-{number}") for number in range(1, 4)]
    shared = ("driver", "username", "region")
    own = [{key: value for key, value in each.document.items() if key not in shared} for each in devices]
    return SandboxAccount(
        document={**{key: devices[0].document[key] for key in shared}, "devices": own},
        live=lambda: Secret(json.dumps([each.live().reveal() for each in devices])),
        changes=lambda: sum(each.changes() for each in devices),
        wrong_logins=lambda: sum(each.wrong_logins() for each in devices),
    )
