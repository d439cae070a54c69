"""The example of a driver from outside: installed as a customer would, and found when a deployment names it.

``tests/house/test_write_a_driver.py`` runs its tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "rotation-driver-example"


def python(*arguments, site, **more):
    """Run our interpreter with the installed example in reach."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "LOCKSTEP_"))}
    environment = {**kept, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", **more}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=site,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The example, built and installed into a folder of its own by the tools that are here."""
    folder = tmp_path_factory.mktemp("site")
    cache = tmp_path_factory.mktemp("cache")
    uv = Path(sys.executable).parent / "uv"
    offline = ("--offline", "--no-deps", "--no-build-isolation", "--cache-dir", str(cache))
    command = [str(uv), "pip", "install", "-q", *offline, "--python", sys.executable, "--target", str(folder)]
    ran = subprocess.run([*command, str(EXAMPLE)], capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    return folder


LISTED = """
import json, sys
from rotation.drivers import registry
from rotation.deployment.deployment import Deployment
from rotation.core.errors import UnknownDriver
for name in sys.argv[1:]:
    try:
        environment = {"LOCKSTEP_DRIVERS": "acme_directory", "LOCKSTEP_PLUGINS": name}
        plugins = Deployment.from_environment(environment).plugins
        found = [registry.load_driver("acme_directory", plugins).name, *registry.driver_codes(plugins)]
    except UnknownDriver:
        found = []
    print(json.dumps(found))
"""


def test_it_is_found_when_the_deployment_names_it(site):
    """A deployment finds the driver by its distribution or its code, and only then, although it is installed."""
    ran = python("-c", LISTED, "another-package", "rotation-driver-example", "acme_directory", "", site=site)
    assert ran.returncode == 0, ran.stderr
    another, distribution, code, none = (json.loads(line) for line in ran.stdout.splitlines())
    assert (another, none) == ([], [])
    assert distribution == code
    assert distribution[0] == "Acme Directory"
    assert {"acme_directory", "huawei_meeting"} <= set(distribution[1:])


def test_nothing_of_ours_knows_it():
    """No file of the product names the example's driver."""
    sources = [*ROOT.glob("rotation/**/*.py"), *ROOT.glob("vault_plugin/**/*.py"), ROOT / "pyproject.toml"]
    assert len(sources) > 100
    assert not [path.name for path in sources if "acme_directory" in path.read_text()]
