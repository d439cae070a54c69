"""What ``make dist`` builds: the same bytes from the same sources, and bills of materials that list what is inside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EPOCH = "1580601600"
SOURCES = ("rotation", "rotation_testkit", "vault_plugin")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "docs/lockstep.1")


def _wheel(tree: Path, umask: int, moment: int) -> Path:
    """Build the wheel of a copy of the sources whose files have this moment, under a umask."""
    tree.mkdir()
    for name in SOURCES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "docs").mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, tree / name)
    for path in tree.rglob("*"):
        os.utime(path, (moment, moment))
    command = [str(Path(sys.executable).with_name("hatchling")), "build", "-t", "wheel", "-d", "dist"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run(command, cwd=tree, env=environment, umask=umask, check=True, capture_output=True, timeout=60)
    return next((tree / "dist").glob("*.whl"))


def _sbom(*arguments: object) -> str:
    """Return the bill of materials of a package; an error is raised with what the script said."""
    command = [sys.executable, str(ROOT / ".ci/sbom.py"), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _pins(*names: str) -> dict[str, tuple[str, set[str]]]:
    """Return version and hashes of each pinned requirement, read in another way than the script reads them."""
    pins: dict[str, tuple[str, set[str]]] = {}
    for name in names:
        for block in re.split(r"\n(?=\S)", (ROOT / f"requirements/{name}.txt").read_text().strip()):
            head, *hashes = block.split("--hash=sha256:")
            library, version = head.split()[0].split("==")
            pins[library] = (version, {each.split()[0] for each in hashes})
    return pins


def _listed(document: dict[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """Return version and hashes of each library that a bill of materials lists."""
    return {
        each["name"]: (each["version"], {one["content"] for one in each["externalReferences"][0]["hashes"]})
        for each in document["components"]
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two wheels from the same sources: other folders, moments and permissions."""
    base = tmp_path_factory.mktemp("wheels")
    return [_wheel(base / "first", 0o022, 1_700_000_000), _wheel(base / "second", 0o077, 1_750_000_000)]


@pytest.fixture(scope="module")
def boms(wheels: list[Path]) -> list[str]:
    """The bill of materials of each of the two wheels."""
    return [_sbom("wheel", wheel, "requirements/install.txt") for wheel in wheels]


def test_two_builds_give_the_same_bytes(wheels: list[Path], boms: list[str]) -> None:
    """Neither folder, moment nor permissions of the sources change the wheel or its bill of materials."""
    first, second = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    assert (first, boms[0]) == (second, boms[1])


def test_the_wheels_bill_lists_each_of_its_files(wheels: list[Path], boms: list[str]) -> None:
    """The component of the wheel has its SHA-256, and below it every file with its own."""
    component = json.loads(boms[0])["metadata"]["component"]
    assert component["hashes"][0]["content"] == hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    with zipfile.ZipFile(wheels[0]) as archive:
        inside = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert {each["name"]: each["hashes"][0]["content"] for each in component["components"]} == inside
    assert "rotation/handler.py" in inside


def test_the_wheels_bill_lists_what_is_installed_beside_it(boms: list[str]) -> None:
    """Each library of ``requirements/install.txt`` is listed with its version, its allowed hashes and its licence."""
    document = json.loads(boms[0])
    assert _listed(document) == _pins("install")
    unlicensed = {each["name"] for each in document["components"] if "licenses" not in each}
    elsewhere = {"async-timeout", "colorama", "sspilib", "tzdata"}
    assert unlicensed <= elsewhere, "only what is for Windows or for Python before 3.11.3 is not installed here"


def test_a_bill_has_the_form_of_cyclonedx(boms: list[str]) -> None:
    """Fields that readers ask for are there: a serial number from the content, and references that occur once."""
    document = json.loads(boms[0])
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", document["serialNumber"]
    )
    root = document["metadata"]["component"]
    references = [each["bom-ref"] for each in (root, *root["components"], *document["components"])]
    assert len(references) == len(set(references))
    assert {each["purl"] for each in document["components"]} == {
        f"pkg:pypi/{each['name']}@{each['version']}" for each in document["components"]
    }
    assert "purl" not in root, "this project owns no name on an index"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A packed function with one file of ours and one library."""
    (tmp_path / "rotation").mkdir()
    (tmp_path / "rotation/handler.py").write_text("handled = True\n")
    info = tmp_path / "idna-0.dist-info"
    info.mkdir()
    version, _ = _pins("lambda")["idna"]
    (info / "METADATA").write_text(f"Name: IDNA\nVersion: {version}\nLicense-Expression: BSD-3-Clause\n\nText.\n")
    (info / "RECORD").write_text("idna.py,,\nidna-0.dist-info/METADATA,,\nidna-0.dist-info/RECORD,,\n")
    (tmp_path / "idna.py").touch()
    return tmp_path


def test_the_functions_bill_lists_its_files_and_libraries(package: Path) -> None:
    """A library has its licence; a file of ours its SHA-256."""
    document = json.loads(_sbom("function", package, "requirements/lambda.txt"))
    assert _listed(document) == {"idna": _pins("lambda")["idna"]}
    assert document["components"][0]["licenses"] == [{"expression": "BSD-3-Clause"}]
    (file,) = document["metadata"]["component"]["components"]
    assert (file["name"], file["hashes"][0]["content"]) == (
        "rotation/handler.py",
        hashlib.sha256(b"handled = True\n").hexdigest(),
    )


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("stray.py", "", "no component owns stray.py"),
        ("rotation.pth", "", "no component owns rotation.pth"),
        ("evil-1.dist-info/METADATA", "Name: evil\nVersion: 1\n", "evil 1 is in the package"),
        ("idna-0.dist-info/METADATA", "Name: idna\nVersion: 0.1\n", "idna 0.1 is in the package"),
    ],
)
def test_what_the_bill_would_not_name_is_refused(package: Path, path: str, text: str, complaint: str) -> None:
    """A file that no component owns, a library that is not pinned, and another version of one that is, are errors."""
    (package / path).parent.mkdir(exist_ok=True)
    (package / path).write_text(text)
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        _sbom("function", package, "requirements/lambda.txt")


LEFT_OUT = ("cli", "database", "goplugin", "provision")


def test_the_functions_for_vault_load_without_what_is_not_packed() -> None:
    """With ``VAULT=1`` the package holds ``vault_plugin`` without four parts, and its handlers import none of them."""
    recipe = (ROOT / "Makefile").read_text()
    assert f"$(foreach part,{' '.join(LEFT_OUT)}," in recipe
    absent = "".join(f"sys.modules['vault_plugin.{name}'] = None; " for name in LEFT_OUT)
    code = f"import sys; {absent}sys.modules['rotation_testkit'] = None; import vault_plugin.functions."
    for name in ("mirrored", "scheduled"):
        subprocess.run([sys.executable, "-c", code + name], check=True, timeout=60)
