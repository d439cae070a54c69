"""Requirements are pinned, hashed and complete, and do not say where to fetch them from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = sorted((ROOT / "requirements").rglob("*.txt"))


def _pins(path: Path) -> dict[str, str]:
    """Return each requirement by name: ``name==version`` and the hashes on its continued line."""
    joined = path.read_text().replace("\\\n", " ")
    blocks = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return {re.split(r"[=\[ ]", block, maxsplit=1)[0]: block for block in blocks}


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_every_line_is_pinned_and_hashed(path: Path) -> None:
    """Each requirement names one version and at least one SHA-256, without options or addresses."""
    pins = _pins(path)
    assert pins
    for name, block in pins.items():
        assert re.match(r"[a-z0-9-]+==[0-9][^ ]*( ; [^-]+)? +--hash=sha256:[0-9a-f]{64}", block), name
    assert "://" not in path.read_text()
    assert not [name for name in pins if name.startswith("-")]


def test_the_sdks_agree_with_everything_else() -> None:
    """A library has one version, whichever of the vendors' SDKs brings it."""
    versions: dict[str, set[str]] = {}
    for path in (ROOT / "requirements" / "dev.txt", *(ROOT / "requirements" / "sdks").glob("*.txt")):
        for name, block in _pins(path).items():
            versions.setdefault(name, set()).add(block.split()[0])
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", [path.stem for path in PINNED if path.stem.startswith("lambda-")] + ["install"])
def test_function_and_installation_use_the_versions_of_the_tests(name: str) -> None:
    """What is packed or installed beside the wheel are the versions that the tests ran with."""
    tested = {name: block.split()[0] for name, block in _pins(ROOT / "requirements" / "dev.txt").items()}
    packed = {name: block.split()[0] for name, block in _pins(ROOT / "requirements" / f"{name}.txt").items()}
    assert packed.items() <= tested.items()


def test_function_brings_no_client_that_the_runtime_has() -> None:
    """boto3 comes with the Lambda runtime, Vault's client is not needed, and each login has a set of its own."""
    plain = set(_pins(ROOT / "requirements" / "lambda.txt"))
    with_ssh = set(_pins(ROOT / "requirements" / "lambda-ssh.txt"))
    with_winrm = set(_pins(ROOT / "requirements" / "lambda-winrm.txt"))
    assert plain.isdisjoint({"paramiko", "pypsrp"})
    assert (plain | with_ssh | with_winrm).isdisjoint({"boto3", "botocore", "hvac", "pydantic"})
    assert "paramiko" in with_ssh - with_winrm
    assert "pypsrp" in with_winrm - with_ssh
    for kind, library in {"mysql": "pymysql", "postgresql": "psycopg", "redis": "redis"}.items():
        packed = set(_pins(ROOT / "requirements" / f"lambda-{kind}.txt"))
        assert packed - plain >= {library}
        assert packed.isdisjoint({"boto3", "botocore", "hvac", "pydantic"})
    assert {"requests", "aws-lambda-powertools"} <= plain


def test_runtime_dependencies_are_these_four() -> None:
    """Lockstep depends on boto3, requests, hvac and aws-lambda-powertools alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[ ]", entry, maxsplit=1)[0] for entry in project["dependencies"]}
    assert names == {"boto3", "requests", "hvac", "aws-lambda-powertools"}
