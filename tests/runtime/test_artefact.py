"""What ``sam build`` packed: all that the function needs, nothing else, and byte-code that is used."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
UNCHECKED_HASH = 1
ORIGINS = """
import importlib, sys
def handler(names, context):
    return {name: importlib.import_module(name).__file__ for name in names}
"""


def test_code_comes_from_the_task_root_alone(artefact, tmp_path):
    """Inside the runtime, our code and each packed dependency are those of the artefact, also where tests have both."""
    ours = [
        "rotation",
        "rotation.drivers.vendors.huawei_meeting.driver",
        "rotation.drivers.logins.ssh",
        "rotation.drivers.logins.winrm",
    ]
    names = [*ours, "requests", "urllib3", "paramiko", "pypsrp", "pymysql", "psycopg"]
    with artefact.beside(tmp_path, ORIGINS) as runtime:
        result = runtime.invoke(names)
    assert result.error is None
    assert {name: Path(file).is_relative_to(tmp_path) for name, file in result.payload.items()} == dict.fromkeys(
        names, True
    )


def test_artefact_holds_no_kit_no_command_line_and_no_boto3(artefact):
    """Tests' doubles and the command line stay out; the runtime brings boto3 itself."""
    top = {entry.name for entry in artefact.task_root.iterdir()}
    assert {"rotation", "requests", "aws_lambda_powertools", "paramiko", "pypsrp", "pymysql", "psycopg"} <= top
    assert top.isdisjoint({"boto3", "botocore", "hvac", "pydantic", "tests", "vault_plugin", "typer", "bin", ".venv"})
    assert top.isdisjoint({"charset_normalizer", "invoke"})  # paramiko and requests take them only if they are there
    assert not (artefact.task_root / "aws_lambda_powertools" / "event_handler").exists()
    packed = {entry.name for entry in (artefact.task_root / "rotation").iterdir()}
    assert packed.isdisjoint({"testing", "cli"})


def test_the_bill_of_materials_lists_what_is_packed(artefact):
    """Every library in the package is listed in its version, every file of ours with its hash, and nothing else."""
    pins = [f"requirements/lambda{name}.txt" for name in ("", "-ssh", "-winrm", "-mysql", "-postgresql")]
    command = [sys.executable, ".ci/sbom.py", "function", artefact.task_root, *pins]
    written = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert written[0] == written[1]
    document = json.loads(written[0])
    packed = {(each.metadata["Name"].lower(), each.version) for each in distributions(path=[str(artefact.task_root)])}
    assert {(each["name"].replace("-", "_"), each["version"]) for each in document["components"]} == {
        (name.replace("-", "_"), version) for name, version in packed
    }
    ours = {path.relative_to(artefact.task_root).as_posix() for path in (artefact.task_root / "rotation").rglob("*.py")}
    listed = {each["name"] for each in document["metadata"]["component"]["components"]}
    assert listed >= ours
    assert {name for name in listed if not name.startswith("rotation/")} == set()


def test_every_module_has_byte_code_that_is_never_checked(artefact):
    """Each of our modules is compiled for the interpreter that runs it; the runtime need not look at the source."""
    command = [artefact.python, "-c", "import sys; print(sys.implementation.cache_tag)"]
    tag = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    modules = sorted((artefact.task_root / "rotation").rglob("*.py"))
    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc"
        # PEP 552: bytes 4 to 7 are flags; 1 is hash-based, 2 would ask for a check.
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, module
