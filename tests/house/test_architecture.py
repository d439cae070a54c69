"""The shape of the house: who may import what, how large functions and folders are, where a module's tests stand."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from rotation.drivers.registry import driver_codes

ROOT = Path(__file__).parents[2]
PRODUCT = ("rotation", "vault_plugin")
PRODUCTS = ROOT / "rotation" / "drivers" / "vendors"
PACKAGES = (*PRODUCT, "rotation_testkit", "bench")

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


def _lint_imports(tree):
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def _copy_of_the_tree(tree):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def _sources(*packages):
    """Return the Python files of some packages; what protoc generated is not ours."""
    return [file for package in packages for file in (ROOT / package).rglob("*.py") if file.parent.name != "pb"]


def test_contracts_are_kept():
    """The tree as it is keeps every import contract."""
    code, said = _lint_imports(ROOT)
    assert code == 0, said


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What import-linter says of each contract, in a copy of the tree with every planted import."""
    tree = _copy_of_the_tree(tmp_path_factory.mktemp("planted"))
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
def test_planted_import_breaks_its_contract(complaints, module, imported, contract):
    """An import against the direction is named under the contract that forbids it."""
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {imported} (l." in " ".join(complaints[contract].split())


def test_module_without_a_place_breaks_the_direction(tmp_path):
    """A new module of ``rotation`` that stands in no layer is reported."""
    tree = _copy_of_the_tree(tmp_path)
    (tree / "rotation" / "stray.py").touch()
    code, said = _lint_imports(tree)
    assert code == 1
    assert "rotation.stray" in said


@pytest.mark.parametrize("package", [*PRODUCT, "rotation_testkit"])
def test_no_import_runs_in_a_circle(package):
    """Modules of a package form no circle, type-only imports included."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {name: set(graph.find_modules_directly_imported_by(name)) for name in graph.modules}
    sorter = TopologicalSorter(imports)
    try:
        sorter.prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_core_imports_nothing_but_the_standard_library():
    """Each import in ``rotation.core`` names the standard library or ``rotation.core`` itself."""
    graph = grimp.build_graph("rotation", include_external_packages=True, cache_dir=None)
    modules = {name for name in graph.modules if name == "rotation.core" or name.startswith("rotation.core.")}
    imported = {other for name in modules for other in graph.find_modules_directly_imported_by(name)} - modules
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} == set()


@pytest.mark.parametrize("package", [*PACKAGES, "examples"])
def test_a_folder_has_at_most_twelve_entries(package):
    """A folder has at most twelve modules and folders; what protoc generated is not ours.

    A ``vendors`` folder has an entry for each product, and a ``families`` folder for what the products of one vendor
    share, so that a product or a family more breaks no rule.
    """
    crowded = {}
    folders = [ROOT / package, *(path for path in (ROOT / package).rglob("*") if path.is_dir())]
    for folder in (each for each in folders if "/." not in str(each) and "__pycache__" not in str(each)):
        entries = [path.name for path in folder.iterdir() if path.name[0] not in "._" or path.name == "__init__.py"]
        if len(entries) > 12 and folder.name not in {"pb", "vendors", "families"}:
            crowded[str(folder.relative_to(ROOT))] = sorted(entries)
    assert crowded == {}


def test_no_function_has_more_than_50_lines():
    """A function fits a screen; the size of a file is reported by ``module_sizes.py`` and has no limit."""
    longer = {}
    for file in _sources(*PACKAGES, "examples", "tests"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 50:
                    longer[f"{file.relative_to(ROOT)}:{node.name}"] = lines
    assert longer == {}


def _own_test_files(module):
    folder, _, name = f"tests/{module.replace('.', '/')}".rpartition("/")
    return [*(ROOT / folder).glob(f"test_{name}.py"), *(ROOT / folder).glob(f"test_{name}_*.py")]


def test_every_module_has_a_test_file_of_its_name_or_names_another():
    """``facts.toml`` lists exactly the modules without a test file of their own, each with a file that exists.

    A product's modules are not listed: ``test_products.py`` says which files of tests a product has.
    """
    listed = tomllib.loads((ROOT / "tests/house/facts.toml").read_text())["facts"]
    modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in _sources(*PRODUCT)
        if not file.name.startswith("__") and PRODUCTS not in file.parents[1:]
    }
    assert sorted(module for module in modules if not _own_test_files(module)) == sorted(listed)
    assert {module: file for module, file in listed.items() if not (ROOT / file).is_file()} == {}


UNWANTED = [
    "aws_xray_sdk",
    "flask",
    "grpc",
    "hvac",
    "moto",
    "paramiko",
    "pydantic",
    "pytest",
    "rich",
    "typer",
    "werkzeug",
]
"""What a rotation does not need, or only for some secrets."""


def _modules_after(module):
    """Return the modules that a fresh interpreter holds after importing one."""
    code = f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_a_cold_start_imports_what_a_rotation_needs_and_nothing_else():
    """The handler loads no heavy package, no driver, no login over SSH or WinRM, no command line and no kit."""
    loaded = _modules_after("rotation.handler")
    assert "rotation.engine.session" in loaded
    assert loaded.isdisjoint(UNWANTED)
    packages = (
        "rotation.drivers.vendors.",
        "rotation.drivers.families.",
        "rotation.drivers.logins.ssh",
        "rotation.drivers.logins.winrm",
        "rotation_testkit",
        "rotation.cli",
        "vault_plugin",
    )
    assert {name for name in loaded if name.startswith(packages)} == set()


def test_the_package_imports_nothing_before_it_is_used():
    """``import rotation`` alone loads no other module of the product."""
    assert {name for name in _modules_after("rotation") if name.startswith("rotation")} == {"rotation"}


ONE_DRIVER = """
import json, os, sys
import rotation.handler
from rotation.deployment.deployment import Deployment
from rotation.drivers.registry import driver_codes, load_driver

for code in driver_codes():
    sys.stdout.flush()
    if os.fork() == 0:  # each begins with what the handler loads
        admin = {f"LOCKSTEP_{code.upper()}_ADMIN_SECRET": "admin"}
        Deployment.from_environment({"LOCKSTEP_DRIVERS": code, "LOCKSTEP_SEAL_SECRET": "seal", **admin})
        load_driver(code)
        print(json.dumps([code, sorted(sys.modules)]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def modules_of_one_driver():
    """What a function holds whose deployment allows one driver, by the driver's code."""
    done = subprocess.run([sys.executable, "-c", ONE_DRIVER], capture_output=True, text=True, check=True, timeout=60)
    return {code: set(modules) for code, modules in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("code", driver_codes())
def test_a_cold_start_does_not_grow_with_the_number_of_products(modules_of_one_driver, code):
    """A deployment of one driver loads that product's folder and the families that it imports, and no login."""
    modules = modules_of_one_driver[code]
    loaded = {name.split(".")[3] for name in modules if name.startswith("rotation.drivers.vendors.")}
    assert loaded == {code}
    graph = grimp.build_graph("rotation", cache_dir=None)
    driver, families = f"rotation.drivers.vendors.{code}.driver", "rotation.drivers.families"
    named = graph.find_upstream_modules(driver) & graph.find_descendants(families)
    packages = {name.rpartition(".")[0] for name in named}
    assert {name for name in modules if name.startswith(f"{families}.")} == (named | packages) - {families}
    assert not [name for name in modules if name.startswith("rotation.drivers.logins.")]
    assert modules.isdisjoint(UNWANTED)
