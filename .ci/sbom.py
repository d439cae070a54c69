"""Write a software bill of materials (CycloneDX 1.6, JSON) to standard output.

    sbom.py wheel FILE.whl requirements/install.txt       the wheel's files, and the libraries to install beside it
    sbom.py function FOLDER requirements/lambda*.txt      the packed function: our files, and each library in it

Our own files are listed with their SHA-256. A library is listed with its version, its licence and the SHA-256 of each
file of its release that the requirements allow. It is an error if no listed component owns a file of the function, or
if the requirements do not pin one of its libraries. The same package gives the same bytes: no time and no random number
is written.
"""

# ruff: noqa: INP001 - a script of the build, and no module of a package

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path
from typing import Any

from rotation import __version__

ROOT = Path(__file__).parents[1]
OURS = ("rotation", "vault_plugin", "lockstep.toml")
Component = dict[str, Any]


class NotListed(Exception):
    """The package holds something that the bill of materials would not name."""


def main(kind: str, package: str, *requirements: str) -> str:
    """Return the bill of materials of a package as text."""
    pins = pinned(Path(name).read_text() for name in requirements)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if kind == "wheel":
        root, libraries = wheel(Path(package)), [library(pin, installed(pin), pins[pin]) for pin in sorted(pins)]
    else:
        root, libraries = function(Path(package), pins)
    root |= {"version": __version__, "licenses": [{"expression": project["license"]}]}
    return rendered({"type": "application", "bom-ref": root["name"], **root}, libraries)


def pinned(texts: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """Return the allowed SHA-256 of each pinned ``(name, version)``."""
    pins: dict[tuple[str, str], set[str]] = {}
    for text in texts:
        for line in text.replace("\\\n", " ").splitlines():
            if found := re.match(r"([a-z0-9-]+)==(\S+)", line):
                pins.setdefault((found[1], found[2]), set()).update(re.findall(r"sha256:([0-9a-f]{64})", line))
    return pins


def wheel(path: Path) -> Component:
    """Return the component of a wheel, with its files."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return {"name": "lockstep-rotation", "hashes": hashes(path.read_bytes()), "components": our_files(files)}


def function(folder: Path, pins: Mapping[tuple[str, str], set[str]]) -> tuple[Component, list[Component]]:
    """Return the component of the packed function, with our files, and its libraries.

    Raises:
        NotListed: a file that belongs to nothing, or a library that the requirements do not pin.
    """
    libraries, owned = {}, set()
    for info in folder.glob("*.dist-info"):
        described = HeaderParser().parsestr((info / "METADATA").read_text(), headersonly=True)
        pin = (normal(described["Name"]), described["Version"])
        if pin not in pins:
            raise NotListed(f"{pin[0]} {pin[1]} is in the package, but the requirements do not pin it")
        libraries[pin] = library(pin, described, pins[pin])
        owned |= {row[0] for row in csv.reader((info / "RECORD").read_text().splitlines())}
    # Byte-code is made from the sources that are listed.
    packed = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    ours = {path.as_posix(): (folder / path).read_bytes() for path in packed if path.parts[0] in OURS}
    if stray := sorted({path.as_posix() for path in packed} - owned - set(ours)):
        raise NotListed(f"no component owns {', '.join(stray)}")
    return {"name": "lockstep-rotation-function", "components": our_files(ours)}, [
        libraries[pin] for pin in sorted(libraries)
    ]


def our_files(files: Mapping[str, bytes]) -> list[Component]:
    """Return a component for each file."""
    return [{"type": "file", "bom-ref": name, "name": name, "hashes": hashes(files[name])} for name in sorted(files)]


def library(pin: tuple[str, str], described: Message | None, allowed: Iterable[str]) -> Component:
    """Return the component of a library from a package index."""
    name, version = pin
    listed = [{"alg": "SHA-256", "content": each} for each in sorted(allowed)]
    release = {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/#files", "hashes": listed}
    purl = f"pkg:pypi/{name}@{version}"
    found: Component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if described is not None and (known := licences(described)):
        found["licenses"] = known
    return found | {"externalReferences": [release]}


def licences(described: Message) -> list[Component]:
    """Return what a library's metadata says about its licence; a whole licence text is not copied."""
    if expression := described["License-Expression"]:
        return [{"expression": expression}]
    classifiers = described.get_all("Classifier") or []
    names = [each.split(" :: ")[-1] for each in classifiers if each.startswith("License :: ")]
    if not names and (text := (described["License"] or "").strip()) and len(text.splitlines()) == 1:
        names = [text]
    return [{"license": {"name": name}} for name in names]


def installed(pin: tuple[str, str]) -> Message | None:
    """Return the metadata of a library if exactly this version is installed here."""
    try:
        found = metadata.distribution(pin[0])
    except metadata.PackageNotFoundError:
        return None
    return HeaderParser().parsestr(found.read_text("METADATA") or "") if found.version == pin[1] else None


def normal(name: str) -> str:
    """Return a project's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def hashes(content: bytes) -> list[dict[str, str]]:
    """Return the SHA-256 of some bytes in CycloneDX's form."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]


def rendered(root: Component, libraries: list[Component]) -> str:
    """Return the document; its serial number is made from its content."""
    content = {"metadata": {"component": root}, "components": libraries}
    serial = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return json.dumps(head | content, indent=1) + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(main(*sys.argv[1:]))
    except NotListed as error:
        sys.exit(f"sbom: {error}")
