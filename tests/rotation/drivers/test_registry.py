"""Drivers are found by file when built in, and from outside only when the deployment names them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rotation.core.errors import ConfigError, UnknownDriver
from rotation.drivers import registry, vendors
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.logins.winrm import WinRmProbe

OUTSIDE = '''"""A driver from outside."""
from dataclasses import replace

from rotation.drivers.vendors.huawei_meeting.driver import DRIVER as MODEL

DRIVER = replace(MODEL, code="acme_mail")
'''


def install(folder, name, points, *, module="", code=OUTSIDE):
    """Put a distribution with entry points into a folder."""
    module = module or name.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lockstep.drivers]\n{points}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder on the path; what was imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("acme_drivers", "bolt_drivers", "evil_drivers"):
        sys.modules.pop(name, None)


def test_the_built_in_drivers_are_found():
    """Built-in drivers are found by file, the file's name is the driver's code, and the list is sorted."""
    codes = registry.driver_codes()
    assert {"huawei_meeting", "ucloud_compshare"} <= set(codes)
    assert list(codes) == sorted(codes)
    assert [registry.load_driver(code).code for code in codes] == list(codes)


LOADED_ALONE = """
import json, os, sys
from rotation.drivers import registry
codes = registry.driver_codes()
before, found = set(sys.modules), {}
for code in codes:
    reader, writer = os.pipe()
    if os.fork() == 0:
        registry.load_driver(code)
        os.write(writer, json.dumps(sorted(set(sys.modules) - before)).encode())
        os._exit(0)
    os.close(writer)
    found[code] = json.loads(os.fdopen(reader, "rb").read())
    os.wait()
print(json.dumps(found))
"""
SHARED = {"rotation.drivers.vendor_api", "rotation.drivers.tokens", "rotation.drivers.network.login_settings"}
"""Modules that several families need, and a driver without one does not load."""


def test_a_driver_loads_itself_and_its_family_alone():
    """A deployment that names one driver starts as fast with a hundred beside it: no other and no library is loaded."""
    ran = subprocess.run([sys.executable, "-c", LOADED_ALONE], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(ran.stdout)
    assert found.keys() == set(registry.driver_codes())
    for code, modules in found.items():
        maker = code.partition("_")[0]
        ours = {name for name in modules if name.split(".")[0] not in sys.stdlib_module_names}
        own = {name for name in ours if re.match(rf"rotation\.drivers\.vendors\.{code}(\.|$)", name)}
        folder = Path(vendors.__file__).parent / code
        assert own == {f"{vendors.__name__}.{code}"} | {
            f"{vendors.__name__}.{code}.{file.stem}" for file in folder.glob("[a-z]*.py")
        }
        family = {name for name in ours if name.startswith(f"rotation.drivers.families.{maker}")}
        assert family
        assert ours - own - family - SHARED <= {"rotation.drivers.families"}, code


@pytest.mark.parametrize("code", ["nobody", "_ucloud", "Huawei_Meeting", "os", "../x", "a.b", "", "x" * 40])
def test_an_unknown_code_is_refused_with_a_hint(code):
    """A code cannot import anything outside the drivers, and the hint names the command that lists them."""
    with pytest.raises(UnknownDriver) as caught:
        registry.load_driver(code)
    assert "lockstep drivers" in caught.value.hint


def test_an_outside_driver_loads_only_when_named(site):
    """A plug-in is named by its distribution, in any spelling, or by its driver's code."""
    install(site, "acme-drivers", "acme_mail = acme_drivers:DRIVER")
    assert "acme_mail" not in registry.driver_codes()
    with pytest.raises(UnknownDriver):
        registry.load_driver("acme_mail")
    for name in ("acme-drivers", "Acme_Drivers", "acme_mail"):
        assert "acme_mail" in registry.driver_codes((name,))
        assert registry.load_driver("acme_mail", (name,)).code == "acme_mail"


def test_an_unnamed_distribution_is_never_imported(site):
    """An unnamed plug-in's code does not run, even when another plug-in is trusted."""
    install(site, "acme-drivers", "acme_mail = acme_drivers:DRIVER")
    install(site, "evil-drivers", "acme_mail2 = evil_drivers:DRIVER", code="raise SystemExit('ran')")
    assert registry.driver_codes(("acme-drivers",)) == tuple(sorted((*registry.driver_codes(), "acme_mail")))
    with pytest.raises(UnknownDriver):
        registry.load_driver("acme_mail2", ("acme-drivers",))


@pytest.mark.parametrize(
    ("codes", "clash"),
    [(["huawei_meeting"], "built-in driver"), (["acme_mail", "acme_mail"], "two plug-ins")],
    ids=["built-in", "plug-in"],
)
@pytest.mark.parametrize("asked", ["huawei_meeting", "nobody"])
def test_a_clash_of_codes_is_an_error(site, codes, clash, asked):
    """No plug-in replaces a driver or wins over another by chance, whichever driver is asked for."""
    names = ("acme-drivers", "bolt-drivers")
    for name, code in zip(names, codes, strict=False):
        install(site, name, f"{code} = acme_drivers:DRIVER")
    with pytest.raises(ConfigError, match=clash):
        registry.load_driver(asked, names)
    with pytest.raises(ConfigError, match=clash):
        registry.driver_codes(names)


@pytest.mark.parametrize("points", ["other_code = acme_drivers:DRIVER", "acme_mail = acme_drivers:replace"])
def test_what_is_no_driver_of_that_code_is_refused(site, points):
    """The entry point's name must be the code in the driver's record."""
    install(site, "acme-drivers", points)
    with pytest.raises(UnknownDriver):
        registry.load_driver(points.partition(" ")[0], ("acme-drivers",))


def test_a_plugin_that_cannot_be_loaded_says_so_without_its_text(site):
    """The error names the type only, since a plug-in's own text could hold anything."""
    install(site, "acme-drivers", "acme_mail = acme_drivers:DRIVER", code="raise ValueError('canary-text')")
    with pytest.raises(UnknownDriver) as caught:
        registry.load_driver("acme_mail", ("acme-drivers",))
    assert "ValueError" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_the_login_probes():
    """A probe is found by its kind; an unknown kind is a fault of the configuration."""
    assert isinstance(registry.login_probe("ssh", time_left=lambda: 1.0), SshProbe)
    assert isinstance(registry.login_probe("winrm", time_left=lambda: 1.0), WinRmProbe)
    with pytest.raises(ConfigError):
        registry.login_probe("telnet", time_left=lambda: 1.0)
