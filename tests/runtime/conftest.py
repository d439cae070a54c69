"""The artefact of ``sam build``, and the interpreter that it was packed for."""

from __future__ import annotations

import fcntl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from rotation.drivers.registry import load_driver
from rotation_testkit.processes.lambda_runtime import LambdaRuntime
from rotation_testkit.sandbox.sandbox import driver_of

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A packed function, its interpreter and where that interpreter's awslambdaric and boto3 are installed."""

    task_root: Path
    python: Path
    site_packages: Path

    def runtime(self, env):
        """Return the function under the emulator, not yet started."""
        return LambdaRuntime(self.task_root, env=env, python=self.python, site_packages=self.site_packages, timeout=60)

    def beside(self, folder, source, env=None):
        """Return a function of a test's own, whose ``handler`` is called, with the packed code beside its module."""
        for entry in self.task_root.iterdir():
            (folder / entry.name).symlink_to(entry)
        (folder / "own.py").write_text(source)
        return LambdaRuntime(folder, "own.handler", env=env, python=self.python, site_packages=self.site_packages)


@pytest.fixture(scope="session")
def artefact(tmp_path_factory):
    """Pack the function unless the packed one is fresh; workers that run side by side wait for one another."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    with (shared / "artefact.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "artefact"], cwd=ROOT, check=True, timeout=110)
    build = ROOT / ".aws-sam" / "local"
    python = ROOT / (build / ".interpreter").read_text().strip()
    found = next(python.parents[1].glob("lib/python3*/site-packages"))
    return Artefact(build / "RotationFunction", python, found)


@pytest.fixture(scope="session")
def evidence():
    """Return how a new password of an account is proved: by the driver's best proof."""
    return lambda key: load_driver(driver_of(key)).evidence


@pytest.fixture
def function(tmp_path):
    """Return a maker of tiny functions: the source of a module whose ``handler`` is called, under the emulator."""

    def make(source, *, env=None, timeout=10):
        task_root = tmp_path / "task"
        task_root.mkdir()
        (task_root / "tiny.py").write_text(source)
        return LambdaRuntime(task_root, "tiny.handler", env=env, timeout=timeout)

    return make
