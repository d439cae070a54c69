"""A cold start imports what a rotation needs and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

UNWANTED = (
    "pydantic",
    "hvac",
    "paramiko",
    "flask",
    "moto",
    "werkzeug",
    "typer",
    "rich",
    "aws_xray_sdk",
    "grpc",
    "pytest",
)
IMPORT = "import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"


def _modules_after(module: str) -> set[str]:
    command = [sys.executable, "-c", IMPORT.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def handler_modules() -> set[str]:
    """What a fresh interpreter holds after importing the handler."""
    return _modules_after("rotation.handler")


def test_handler_import_is_lean(handler_modules: set[str]) -> None:
    """None of the heavy or test-only packages is loaded."""
    assert "rotation.engine.account.steps" in handler_modules
    assert handler_modules.isdisjoint(UNWANTED)


def test_handler_import_loads_no_driver(handler_modules: set[str]) -> None:
    """Drivers and probes are loaded when a secret asks for them; the kit and the command line never."""
    packages = (
        "rotation.drivers.vendors.",
        "rotation.drivers.families.",
        "rotation.drivers.network.ssh",
        "rotation.drivers.network.winrm",
        "rotation_testkit",
        "rotation.cli",
        "vault_plugin",
    )
    assert {name for name in handler_modules if name.startswith(packages)} == set()


@pytest.mark.parametrize("code", ["huawei_meeting", "ucloud_compshare"])
def test_one_driver_brings_no_other(code: str) -> None:
    """Loading one driver loads no other driver and no SSH client."""
    modules = _modules_after(f"rotation.drivers.vendors.{code}.driver")
    loaded = {name.split(".")[3] for name in modules if name.startswith("rotation.drivers.vendors.")}
    assert loaded == {code}
    assert "rotation.drivers.network.ssh" not in modules
    assert modules.isdisjoint(UNWANTED)
