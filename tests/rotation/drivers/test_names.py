"""``rotation.drivers`` is the one import of a driver's author."""

import json
import subprocess
import sys
import types

from rotation import drivers


def test_the_public_names_are_whole_and_sorted():
    """``__all__`` lists every public name that is no submodule, and ``login_settings``."""
    found = {name for name, value in vars(drivers).items() if not isinstance(value, types.ModuleType)}
    assert set(drivers.__all__) == {name for name in found if not name.startswith("_")} | {"login_settings"}
    assert list(drivers.__all__) == sorted(drivers.__all__)


def test_importing_them_loads_no_vendor_no_probe_and_no_http_client():
    """A driver's author pays for the contract only."""
    script = "import json, sys, rotation.drivers; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    heavy = ("requests", "urllib3", "paramiko", "pypsrp", "rotation.drivers.vendors", "rotation.drivers.families")
    ours = ("rotation.drivers.logins.ssh", "rotation.drivers.logins.winrm", "rotation.drivers.network.http_door")
    assert not [name for name in json.loads(ran.stdout) if name.startswith((*heavy, *ours))]
