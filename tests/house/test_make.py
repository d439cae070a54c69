"""A second run of a make target installs and builds nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE, MADE, AFTER = 1_700_000_000, 1_700_000_100, 1_700_000_200
"""Times of sources, stamps and changes, far enough apart for every file system."""
SLOW = (
    "make-venv",
    "debian-packages",
    "pip",
    "sam build",
    "compileall",
    "--collect-only",
    "find-python",
)
"""Commands that install, pack or compile, and take seconds."""


def _make(tree, *arguments):
    """Run make without the variables of a make that may have started these tests."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *arguments], cwd=tree, env=plain, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path):
    """A tree as the first run leaves it: all stamps are younger than the sources. Nothing is installed in it."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "rotation/engine/account").mkdir(parents=True)
    (tmp_path / ".ci").mkdir()
    for name in (
        "Makefile",
        ".ci/debian-packages",
        "pyproject.toml",
        "template.yaml",
        "samconfig.toml",
        "rotation/engine/account/steps.py",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    sources = list(tmp_path.rglob("*"))
    for folder in (".venv/second", ".venv/openssh", ".venv/mariadb", ".venv/ntlm", ".aws-sam/local"):
        (tmp_path / folder).mkdir(parents=True)
    _make(tmp_path, "--touch", "test", "demo", "invoke")
    for path in tmp_path.rglob("*"):
        moment = BEFORE if path in sources else MADE
        os.utime(path, (moment, moment))
    return tmp_path


@pytest.mark.parametrize(
    ("target", "runs"), [("test", "-m pytest -q -n"), ("demo", "lockstep demo"), ("invoke", "lockstep invoke")]
)
def test_a_target_of_an_installed_tree_runs_its_command_alone(installed, target, runs):
    """No installation and no build is due before the command."""
    due = _make(installed, "--dry-run", target)
    assert runs in due
    assert [word for word in SLOW if word in due] == []


def test_dist_builds_the_wheel_the_function_and_both_bills(installed: Path) -> None:
    """``make dist`` builds wheel and function, and writes a bill of materials for each from its libraries' pins."""
    due = _make(installed, "--dry-run", "dist", "SSH=0", "VAULT=1")
    assert "hatchling build -t wheel -d dist" in due
    assert "sam build" in due
    assert "sbom.py wheel dist/*.whl requirements/install.txt >dist/lockstep.cdx.json" in due
    function = "sbom.py function .aws-sam/build/RotationFunction requirements/lambda.txt"
    assert f"{function} requirements/lambda-vault.txt >dist/function.cdx.json" in due


def test_build_packs_for_the_one_runtime_of_all_functions(installed: Path) -> None:
    """The template names it for each function; sam gets one version, and the processor by Python's name."""
    sam, python, seen = (installed / name for name in (".venv/bin/sam", ".venv/bin/python", "seen"))
    sam.parent.mkdir(exist_ok=True)
    sam.write_text('#!/bin/sh\nprintf "%s" "$LAMBDA_PYTHON $LAMBDA_ARCH" >seen\n', encoding="utf-8")
    python.write_text("#!/bin/sh\n", encoding="utf-8")
    for each in (sam, python):
        each.chmod(0o755)
    _make(installed, "build", "ARCHITECTURE=arm64")
    runtimes = set(re.findall(r"Runtime: python(\S+)", (ROOT / "template.yaml").read_text(encoding="utf-8")))
    assert {f"{each} aarch64" for each in runtimes} == {seen.read_text(encoding="utf-8")}


@pytest.mark.parametrize(
    ("changed", "due"), [("requirements/dev.txt", "make-venv"), ("rotation/engine/account/steps.py", "sam build")]
)
def test_a_changed_source_is_installed_or_built_again(installed, changed, due):
    """A source younger than its stamp makes its installation or build due."""
    os.utime(installed / changed, (AFTER, AFTER))
    assert due in _make(installed, "--dry-run", "test")
