"""``docs/write-a-driver.md``, followed from an empty folder."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET  # our own test run's report

import pytest

from rotation_testkit.conformance.driver_suite import DriverConformance

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/write-a-driver.md").read_text()
SCRIPT = runpy.run_path(str(ROOT / ".ci/embedded_files.py"))
BLOCK = re.compile(rf"{SCRIPT['FILE'].pattern}|^```console\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
REPORT = "report.xml"
pytestmark = pytest.mark.timeout(600)  # seconds, unless the machine is very busy
SENTENCE = re.compile(r"NotImplementedError: \w+\.py: [a-z].+\.\"?$")


def test_the_page_shows_the_examples_files_as_they_are():
    """Write it again by ``.venv/bin/python .ci/embedded_files.py > page.md && mv page.md docs/write-a-driver.md``."""
    assert SCRIPT["page"](PAGE) == PAGE


def test_the_page_shows_every_file_that_is_written_by_hand():
    """What the command writes is either shown as it becomes, or stays as it is."""
    shown = {block["path"] for block in SCRIPT["FILE"].finditer(PAGE)}
    written = {str(path.relative_to(SCRIPT["EXAMPLE"])) for path in SCRIPT["EXAMPLE"].rglob("*.py")}
    assert written - shown == {"src/acme_directory/__init__.py"}


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """What each command of the page said, in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "LOCKSTEP_", "COV_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    alone = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": f"--tb=no -p no:cacheprovider --junitxml={REPORT}",
    }
    environment = {**kept, **alone, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    said = []
    for block in BLOCK.finditer(PAGE):
        if block["path"]:
            (folder / block["path"]).write_text(block["text"])
        for command in re.findall(r"^\$ (.+)$", block["commands"] or "", re.MULTILINE):
            how = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": 300}
            ran = subprocess.run(["sh", "-c", command], check=False, **how)
            said.append((ran, *_cases(folder / REPORT)))
    return said


def _cases(report):
    """Return the numbers of a test run, and what each of its tests said."""
    if not report.exists():
        return {}, {}
    suite = ET.parse(report).getroot()[0]  # noqa: S314 - our own test run's report
    cases = {case.attrib["name"]: [each.attrib["message"] for each in case] for case in suite.iter("testcase")}
    return {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}, cases


def test_at_first_each_test_fails_with_a_sentence(followed):
    """The new files are whole, and every failure says which file is to be written, and what belongs there."""
    (new, *_), (_, counted, cases), _ = followed
    assert new.returncode == 0, new.stderr
    failed = {name: said for name, said in cases.items() if said}
    assert len(failed) == counted["errors"] + counted["failures"] > 30  # the others look at the record alone
    assert {name: said for name, said in failed.items() if not all(map(SENTENCE.search, said))} == {}


def test_at_the_end_the_driver_keeps_every_promise_of_the_kit(followed):
    """All of the example's tests run and pass: each promise, and its own."""
    ran, counted, cases = followed[-1]
    assert ran.returncode == 0, ran.stdout
    assert counted == {"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0}
    promises = {name for name in dir(DriverConformance) if name.startswith("test_")}
    assert promises < {name.partition("[")[0] for name in cases}
