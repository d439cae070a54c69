"""Another product is new files in folders of its own: ``lockstep driver new`` in a copy of the tree, and the diff."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rotation_testkit.scaffold.new_driver import planned, write

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(600)  # seconds, unless the machine is very busy
CODE, FAMILY = "brand_mail", "brand"
OWN = (
    f"rotation/drivers/vendors/{CODE}/",
    f"rotation_testkit/doubles/vendors/{CODE}/",
    f"tests/rotation/drivers/vendors/{CODE}/",
    f"tests/testkit/doubles/vendors/{CODE}/",
    f"events/{CODE}/",
    f"docs/drivers/{CODE}.md",
    f"rotation/drivers/families/{FAMILY}.py",
    f"tests/rotation/drivers/families/test_{FAMILY}.py",
)


class Copy:
    """A copy of the tree."""

    def __init__(self, folder):
        self.folder = folder
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.splitlines()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                (folder / name).write_bytes((ROOT / name).read_bytes())

    def files(self):
        """Return every file and what it holds."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    def run(self, tool, *arguments):
        """Run a tool of the environment in the copy, and return its exit code and what it said."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "LOCKSTEP_", "COV_"))}
        environment = {**kept, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(BIN / tool), *arguments]
        how = {"cwd": self.folder, "env": environment, "capture_output": True, "text": True, "timeout": 500}
        ran = subprocess.run(command, check=False, **how)
        return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def diff(tmp_path_factory):
    """The copy, its files before and after a new product of a new family."""
    copy = Copy(tmp_path_factory.mktemp("copy"))
    before = copy.files()
    write(planned(CODE, FAMILY, package=False), copy.folder)
    return copy, before, copy.files()


@pytest.fixture
def copy(diff):
    """The copy with the new product."""
    return diff[0]


def test_no_shared_file_is_touched(diff):
    """The diff has new files only, and all of them are the product's or its family's."""
    _, before, after = diff
    assert {name: after.get(name) == text for name, text in before.items()} == dict.fromkeys(before, True)
    new = after.keys() - before.keys()
    assert new == {str(path) for path in planned(CODE, FAMILY, package=False)}
    assert [path for path in new if not path.startswith(OWN)] == []


def test_the_new_files_keep_the_style(copy):
    """Nothing is to be formatted or repaired before the first line is written."""
    python = [str(path) for path in planned(CODE, FAMILY, package=False) if path.suffix == ".py"]
    assert copy.run("ruff", "check", "-q", *python) == (0, "")
    assert copy.run("ruff", "format", "--check", "-q", *python) == (0, "")


@pytest.mark.long  # the same checks as in this tree, with a product more
def test_the_house_checks_hold(copy):
    """Everything of the product is found where a product is looked for."""
    tests = ["tests/house/test_products.py", "tests/house/test_docs.py"]
    code, said = copy.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests)
    assert code == 0, said


@pytest.mark.long  # a minute: every module is read again
def test_architecture_and_types_hold(copy):
    """Import contracts, the shape of the tree and strict types hold with the new product."""
    for tool, *arguments in (
        ("lint-imports", "--no-cache"),
        ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/house/test_architecture.py"),
        ("mypy",),
    ):
        code, said = copy.run(tool, *arguments)
        assert code == 0, said


GENERAL = (
    "tests/rotation/deployment/test_schema.py",
    "tests/rotation/cli/commands/test_config.py",
    "tests/rotation/cli/commands/test_drivers.py",
    "tests/rotation/cli/commands/test_policy.py",
    "tests/rotation/drivers/test_error_table.py",
    "tests/rotation/drivers/test_registry.py",
    "tests/rotation/drivers/vendors/test_policy.py",
)


@pytest.mark.long  # the same tests as in this tree, with a product more
def test_what_is_true_of_every_product_is_true_of_one_more(copy):
    """No test, setting, command or template has a list of products that would have to grow."""
    code, said = copy.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *GENERAL)
    assert code == 0, said


@pytest.mark.long  # the same as test_write_a_driver.py, for the files of a checkout
def test_each_of_its_tests_fails_with_a_sentence(copy):
    """Each failure names the file that is to be written, and says what belongs there."""
    tests = [str(path) for path in planned(CODE, FAMILY, package=False) if path.name.startswith("test_")]
    code, said = copy.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", *tests)
    assert code == 1
    for name in ("test_answers.py", "test_conformance.py", "test_rotation.py", f"test_{FAMILY}.py", "policy.py"):
        assert f"{name}: " in said or f"{name}, " in said
