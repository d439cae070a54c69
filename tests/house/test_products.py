"""What the folders of a product hold: everything about it is found there, and no list names it."""

import ast
import dataclasses
import io
import json
import re
import tokenize
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from rotation.drivers.registry import driver_codes, load_driver, login_kind, login_kinds
from rotation_testkit.sandbox.vendors import DRIVERS, sandbox_module

ROOT = Path(__file__).parents[2]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
HOLDS = {
    "rotation/drivers/vendors/{code}": ("__init__.py", "driver.py", "error_codes.py", "policy.py"),
    "rotation_testkit/doubles/vendors/{code}": ("__init__.py", "simulator.py", "second_opinion.py", "sandbox.py"),
    "tests/rotation/drivers/vendors/{code}": (
        "codes.toml",
        "test_answers.py",
        "test_conformance.py",
        "test_rotation.py",
    ),
    "events/{code}": tuple(f"{step}.json" for step in STEPS),
    "docs/drivers": ("{code}.md",),
}
"""The folders of a product, and what each of them has at least."""
COMMON = {"driver", "username", "password", "power"}
"""Keys of an account document that every driver has; ``power`` where the vendor switches machines."""


@pytest.mark.parametrize("code", driver_codes())
def test_a_product_has_all_its_files(code):
    """Driver, simulator, tests, sample events and page of a product stand where they are looked for."""
    wanted = [
        ROOT / folder.format(code=code) / name.format(code=code) for folder, names in HOLDS.items() for name in names
    ]
    assert [str(path.relative_to(ROOT)) for path in wanted if not path.is_file()] == []


def test_every_part_belongs_to_a_driver():
    """No simulator, page or folder of tests is of a product without a driver."""
    codes = set(driver_codes())
    assert set(DRIVERS) == codes
    assert {page.stem for page in (ROOT / "docs/drivers").glob("*.md")} == codes
    tests = ROOT / "tests/rotation/drivers/vendors"
    assert {folder.name for folder in tests.iterdir() if folder.is_dir() and folder.name != "__pycache__"} == codes


@pytest.mark.parametrize("code", driver_codes())
def test_the_sandbox_has_an_account_of_the_products_code(code):
    """Its keys begin with the driver's code, and the first one is the code itself."""
    first, *others = sandbox_module(code).ACCOUNTS
    assert first == code
    assert [key for key in others if not key.startswith(f"{code}/")] == []


def _blocks(code):
    page = (ROOT / f"docs/drivers/{code}.md").read_text()
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("code", driver_codes())
def test_the_page_shows_documents_with_the_drivers_keys(code):
    """Each example of a page is an account document or an admin credential, with keys that the driver knows."""
    spec = load_driver(code)
    account, admin = (
        {each.name for each in dataclasses.fields(cls)} if cls else set() for cls in (spec.account, spec.admin)
    )
    accounts = [block for block in _blocks(code) if block.get("driver") == code]
    others = [block for block in _blocks(code) if block.get("driver") != code]
    assert accounts
    assert bool(others) == bool(admin)
    for block in accounts:
        members = block.pop(spec.batch_key, []) if spec.batch_key else []
        for document in (block, *members):
            assert document.keys() - COMMON - account == set()
    assert [block.keys() - admin for block in others] == [set()] * len(others)


@pytest.mark.parametrize("code", driver_codes())
def test_the_page_is_titled_with_product_and_code(code):
    """A reader who searches for either finds the page."""
    assert re.match(rf"# .+ \(`{code}`\)\n", (ROOT / f"docs/drivers/{code}.md").read_text())


def _trees(folder, pattern):
    """Return the syntax trees of the files of a folder that match."""
    return [ast.parse(file.read_text()) for file in sorted((ROOT / folder).glob(pattern))]


def _uses(trees, name):
    """Return whether any of the trees has this name, as a variable, an argument or an attribute."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return any(name in {getattr(node, "id", ""), getattr(node, "arg", ""), getattr(node, "attr", "")} for node in nodes)


@pytest.mark.parametrize("code", driver_codes())
def test_a_product_passes_what_every_product_passes(code):
    """The kit's promises, rotations with planned faults that both sides agree after, each code through the simulator.

    What is still to be written fails by itself (``pytest.fail``), with a sentence of its own.
    """
    tests, doubles = f"tests/rotation/drivers/vendors/{code}", f"tests/testkit/doubles/vendors/{code}"
    (suite,) = _trees(tests, "test_conformance.py")
    bases = [base for node in suite.body if isinstance(node, ast.ClassDef) for base in node.bases]
    assert "DriverConformance" in {getattr(base, "id", "") for base in bases}
    rotations, simulated = _trees(tests, "test_rotation*.py"), _trees(doubles, "test_*.py")
    for trees, name, lacking in (
        (rotations, "FaultKind", "a rotation with a planned fault"),
        (rotations, "settled", "whether both sides agree after a rotation"),
        (simulated, "documented", "each documented code through the simulator"),
    ):
        assert _uses(trees, name) or _uses(trees, "fail"), f"no test of {lacking}"


EVERYBODYS = {"lockstep-rotation", "pytest", "hypothesis", "requests", "cryptography", "werkzeug", "PyMySQL", "psycopg"}
"""Distributions that are no vendor's SDK and no client of a standard."""
SERVERS = {
    "ssh": ("OpenSSH", "rotation_testkit.processes.openssh", "tests/testkit/doubles/hosts/test_ssh_and_openssh.py"),
    "mysql": ("MariaDB", "rotation_testkit.databases.mariadb", "tests/rotation/drivers/logins/conftest.py"),
    "postgresql": ("PostgreSQL", "rotation_testkit.databases.postgresql", "tests/rotation/drivers/logins/conftest.py"),
    "redis": ("Valkey", "rotation_testkit.databases.valkey", "tests/rotation/drivers/logins/conftest.py"),
}
"""The real server of each kind of login, what starts it, and the tests that log in there."""


def _imported(file):
    """Return the full names of the modules that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) if node.module}


def _dev_extra():
    """Return what every test needs: an SDK of several products may stand there."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [re.split(r"[\[<>=]", each)[0] for each in extras["dev"]]


@pytest.mark.parametrize("code", driver_codes())
def test_the_sdks_of_a_record_drive_the_simulator(code):
    """``DriverSpec.sdks`` names packages that the simulator's tests import, and is empty where they import none."""
    known = packages_distributions()
    folder = ROOT / "tests/testkit/doubles/vendors" / code
    imported = {name.partition(".")[0] for file in folder.rglob("*.py") for name in _imported(file)}
    used = {each for name in imported for each in known.get(name, ())} - EVERYBODYS
    declared = set(load_driver(code).sdks)
    wanted = ROOT / f"requirements/sdks/{code}.in"
    named = re.findall(r"^[\w-]+", wanted.read_text(), re.MULTILINE) if wanted.exists() else _dev_extra()
    assert declared <= set(named), f"{wanted.relative_to(ROOT)} lacks this SDK"
    assert declared <= used, "this record names an SDK that no test of the simulator uses"
    assert bool(declared) == bool(used), f"the simulator is driven by {sorted(used)}: say so in DriverSpec.sdks"


@pytest.mark.parametrize("kind", login_kinds())
def test_a_login_is_tested_on_the_server_that_its_record_names(kind):
    """``LoginKind.tested_on`` is the server that the tests of this kind start, or empty."""
    name, starter, tests = SERVERS.get(kind, ("", "", ""))
    assert login_kind(kind).tested_on == name
    assert not name or starter in _imported(ROOT / tests)


SIGNERS = {"huawei_meeting/app_login.py"}
"""Products' modules that sign: Huawei Meeting's app login is its product's alone."""


def test_products_leave_signing_to_their_family():
    """So a vendor's signature is written once, however many products it has."""
    vendors = ROOT / "rotation/drivers/vendors"
    signing = {file for file in vendors.rglob("*.py") if _imported(file) & {"hmac", "hashlib"}}
    assert {str(file.relative_to(vendors)) for file in signing} == SIGNERS


LONGEST = 150
GENERATIONS = {"tencent_bm": 2}
"""How many APIs a driver speaks, where that is more than one: Blackstone's are two."""


def _own_code(file):
    """Return how many lines of code a file has, beside imports, tables, comments, docstrings and blank lines."""
    source = file.read_text()
    tree = ast.parse(source)
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}:
            code |= set(range(token.start[0], token.end[0] + 1)) if token.string else set()
    left_out = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    left_out += [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    left_out += [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return len(code - {line for node in left_out for line in range(node.lineno, node.end_lineno + 1)})


@pytest.mark.parametrize("code", driver_codes())
def test_a_drivers_own_code_is_small(code):
    """``driver.py`` has at most 150 lines, and all modules have as much code per API, tables aside."""
    folder = ROOT / "rotation/drivers/vendors" / code
    assert len((folder / "driver.py").read_text().splitlines()) <= LONGEST
    assert sum(map(_own_code, folder.glob("*.py"))) <= LONGEST * GENERATIONS.get(code, 1)
