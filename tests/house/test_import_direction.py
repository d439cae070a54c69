"""The import contracts hold, and each of them breaks when somebody goes against it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def _lint_imports(tree: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def test_contracts_are_kept() -> None:
    """The tree as it is keeps every contract."""
    code, said = _lint_imports(ROOT)
    assert code == 0, said


PLANTED = [
    ("rotation/core/errors/base.py", "rotation.core.secret", "Imports point down"),
    ("rotation/engine/tables/reconciliation.py", "rotation.engine.account.steps", "Imports point down"),
    ("rotation/drivers/vendors/huawei_meeting/driver.py", "rotation.stores.memory", "Imports point down"),
    ("rotation/handler.py", "rotation_testkit", "Imports point down"),
    ("rotation_testkit/doubles/serving.py", "rotation.cli", "Imports point down"),
    ("rotation/stores/memory.py", "rotation.stores.aws.secrets_manager", "Stores do not know one another"),
    ("rotation/drivers/guarded.py", "vault_plugin", "Rotation works without the Vault face"),
    ("vault_plugin/stray.py", "rotation_testkit", "The Vault face takes neither the kit nor the other faces"),
    ("rotation/drivers/vendors/ucloud_compshare/driver.py", "requests", "One HTTP door"),
    ("rotation/engine/account/steps.py", "boto3", "AWS's libraries stay at the edges"),
]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of each contract, in a copy of the tree with every planted import."""
    tree = tmp_path_factory.mktemp("planted")
    for package in ("rotation", "rotation_testkit", "vault_plugin"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for module, imported, _contract in PLANTED:
        with (tree / module).open("a") as source:
            source.write(f"\nimport {imported}\n")
    code, said = _lint_imports(tree)
    assert code == 1, said
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    titles = [contract["name"] for contract in contracts]
    parts = re.split(rf"^({'|'.join(map(re.escape, titles))})\n-+\n", said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("module", "imported", "contract"), PLANTED)
def test_planted_import_breaks_its_contract(
    complaints: dict[str, str], module: str, imported: str, contract: str
) -> None:
    """An import against the direction is named under the contract that forbids it."""
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {imported} (l." in complaints[contract]


def test_module_without_a_place_breaks_the_direction(tmp_path: Path) -> None:
    """A new module that nobody gave a layer is reported."""
    for package in ("rotation", "rotation_testkit", "vault_plugin"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "rotation" / "stray.py").touch()
    code, said = _lint_imports(tmp_path)
    assert code == 1
    assert "rotation.stray" in said


def test_no_driver_imports_another() -> None:
    """Drivers share only the modules whose names start with an underscore."""
    graph = grimp.build_graph("rotation", cache_dir=None)
    drivers = {name for name in graph.find_children("rotation.drivers") if not name.split(".")[-1].startswith("_")}
    assert {
        "rotation.drivers.vendors.huawei_meeting.driver",
        "rotation.drivers.vendors.ucloud_compshare.driver",
    } <= drivers
    imported = {(name, other) for name in drivers for other in graph.find_modules_directly_imported_by(name) & drivers}
    assert imported == set()
