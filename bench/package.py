"""The packed function: its size, and whether building it twice gives the same bytes.

It is built by the Makefile's own target, the one that ``sam build`` calls, for the interpreter of the local artefact
and so with its byte-code, into folders of different names. Each is zipped with names in order and fixed dates, as a
deployment's zip holds neither the one nor the other of this machine.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from bench.figures import Figure

ROOT = Path(__file__).parents[1]
_MEGABYTE = 1_000_000


def measure() -> Iterator[Figure]:
    """Yield the zipped sizes in megabytes, and 1 where two builds are the same bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        first = _zipped(_build(Path(scratch, "first"), ssh=True))
        second = _zipped(_build(Path(scratch, "a-second-place"), ssh=True))
        without = _zipped(_build(Path(scratch, "without"), ssh=False))
        sizes = {"with_ssh": ("with SSH", first), "without_ssh": ("without SSH", without)}
        for key, (name, file) in sizes.items():
            size = file.stat().st_size / _MEGABYTE
            yield Figure(key=f"package/{key}", name=f"package {name}, zipped", value=size, unit="MB")
        same = sha256(first.read_bytes()).digest() == sha256(second.read_bytes()).digest()
        yield Figure(key="package/same_bytes", name="building twice gives the same bytes", value=same, unit="yes or no")


def _build(target: Path, *, ssh: bool) -> Path:
    """Build without WinRM, which is no part of a deployment unless it is asked for."""
    python = ROOT / (ROOT / ".aws-sam" / "local" / ".interpreter").read_text().strip()
    version = subprocess.run(  # noqa: S603 - our own interpreter
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    target.mkdir()
    subprocess.run(  # noqa: S603 - our own Makefile
        [
            *("make", "-s", "build-RotationFunction", f"ARTIFACTS_DIR={target}", f"LAMBDA_PYTHON={version}"),
            *(f"LAMBDA_ARCH={platform.machine()}", f"SSH={int(ssh)}", "WINRM=0"),
        ],
        cwd=ROOT,
        env=plain,
        check=True,
        capture_output=True,
    )
    return target


def _zipped(folder: Path) -> Path:
    file = folder.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.writestr(
                zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes(), compress_type=zipfile.ZIP_DEFLATED
            )
    return file
