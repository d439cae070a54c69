"""The import contracts hold, and each of them breaks when somebody goes against it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
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


PACKAGES = ("rotation", "vault_plugin", "rotation_testkit", "bench")

PLANTED = [
    ("rotation/core/secret.py", "rotation.state.marks", "Imports point down"),
    ("rotation/state/marks.py", "rotation.drivers.guarded", "Imports point down"),
    ("rotation/policy/rules.py", "rotation.stores.memory", "Imports point down"),
    ("rotation/stores/memory.py", "rotation.engine.session", "Imports point down"),
    ("rotation/engine/tables/reconciliation.py", "rotation.deployment.binder", "Imports point down"),
    ("rotation/doctor/decide.py", "rotation.cli.output", "Imports point down"),
    ("rotation/handler.py", "rotation_testkit", "Each package imports only what stands below it"),
    ("rotation/drivers/guarded.py", "vault_plugin", "Each package imports only what stands below it"),
    ("vault_plugin/stray.py", "rotation_testkit", "Each package imports only what stands below it"),
    ("rotation/engine/session.py", "rotation.drivers.families.ucloud", "The engine knows no vendor and no store"),
    (
        "rotation/drivers/vendors/huawei_meeting/policy.py",
        "rotation.drivers.vendors.ucloud_compshare.policy",
        "Vendors do not know one another",
    ),
    ("rotation/stores/memory.py", "rotation.stores.aws.secrets_manager", "Stores do not know one another"),
    ("rotation/core/event.py", "botocore", "Core imports the standard library only"),
    ("rotation/drivers/vendors/ucloud_compshare/driver.py", "requests", "One HTTP door"),
    ("rotation/engine/account/steps.py", "boto3", "AWS's libraries stay at the edges"),
]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of each contract, in a copy of the tree with every planted import."""
    tree = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
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
    assert f"{importer} -> {imported} (l." in " ".join(complaints[contract].split())


def test_module_without_a_place_breaks_the_direction(tmp_path: Path) -> None:
    """A new module that nobody gave a layer is reported."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "rotation" / "stray.py").touch()
    code, said = _lint_imports(tmp_path)
    assert code == 1
    assert "rotation.stray" in said


@pytest.mark.parametrize("package", ["rotation", "vault_plugin", "rotation_testkit"])
def test_no_import_runs_in_a_circle(package: str) -> None:
    """Modules of a package form no circle, type-only imports included."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {name: set(graph.find_modules_directly_imported_by(name)) for name in graph.modules}
    sorter = TopologicalSorter(imports)
    try:
        sorter.prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_core_imports_nothing_but_the_standard_library() -> None:
    """Each import in ``rotation.core`` names the standard library or ``rotation.core`` itself."""
    graph = grimp.build_graph("rotation", include_external_packages=True, cache_dir=None)
    modules = {name for name in graph.modules if name == "rotation.core" or name.startswith("rotation.core.")}
    imported = {other for name in modules for other in graph.find_modules_directly_imported_by(name)} - modules
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} == set()


@pytest.mark.parametrize("package", [*PACKAGES, "examples"])
def test_a_folder_has_at_most_twelve_entries(package: str) -> None:
    """A folder fits a glance; what protoc generated is not ours."""
    crowded = {}
    folders = [ROOT / package, *(path for path in (ROOT / package).rglob("*") if path.is_dir())]
    for folder in (each for each in folders if "/." not in str(each) and "__pycache__" not in str(each)):
        entries = [path.name for path in folder.iterdir() if path.name[0] not in "._" or path.name == "__init__.py"]
        if len(entries) > 12 and folder.name != "pb":
            crowded[str(folder.relative_to(ROOT))] = sorted(entries)
    assert crowded == {}
