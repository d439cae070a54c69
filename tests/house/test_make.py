"""A second run of a make target starts at once: where everything is installed, no installation and no build is due."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE, MADE, AFTER = 1_700_000_000, 1_700_000_100, 1_700_000_200
"""Moments of sources, stamps and changes; the real ones may share a tick of the file system's clock."""
SLOW = ("make-venv", "pip", "sam build", "compileall", "--collect-only", "find-python")
"""What installs, packs or compiles; each takes seconds."""


def _make(tree: Path, *arguments: str) -> str:
    """Run make as a shell would, outside of the make that may have started these tests."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *arguments], cwd=tree, env=plain, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A tree as the first run leaves it: every stamp is younger than the sources. Nothing was really installed."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "rotation/engine/account").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "template.yaml", "samconfig.toml", "rotation/engine/account/steps.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    sources = list(tmp_path.rglob("*"))
    for folder in (".venv/second", ".aws-sam/local"):
        (tmp_path / folder).mkdir(parents=True)
    _make(tmp_path, "--touch", "test", "demo", "invoke")
    for path in tmp_path.rglob("*"):
        moment = BEFORE if path in sources else MADE
        os.utime(path, (moment, moment))
    return tmp_path


@pytest.mark.parametrize(
    ("target", "runs"), [("test", "-m pytest -q -n"), ("demo", "lockstep demo"), ("invoke", "lockstep invoke")]
)
def test_where_everything_is_installed_a_target_runs_what_it_is_for(installed: Path, target: str, runs: str) -> None:
    """And nothing before it."""
    due = _make(installed, "--dry-run", target)
    assert runs in due
    assert [word for word in SLOW if word in due] == []


@pytest.mark.parametrize(
    ("changed", "due"), [("requirements/dev.txt", "make-venv"), ("rotation/engine/account/steps.py", "sam build")]
)
def test_what_changed_is_made_anew(installed: Path, changed: str, due: str) -> None:
    """So it is the stamps that say that nothing is due."""
    os.utime(installed / changed, (AFTER, AFTER))
    assert due in _make(installed, "--dry-run", "test")
