"""Pack the database plug-in into one file, which Vault and OpenBao start and whose SHA-256 they check.

The file holds our own code, as source and as byte-code. The interpreter in its first line, and the libraries of the
extra ``vault-plugin`` in that interpreter's environment, stay outside: their native parts cannot be imported from a zip
file. So the checksum covers our code and not theirs.
"""

from __future__ import annotations

import hashlib
import importlib._bootstrap_external as external
import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rotation.core.errors import ConfigError, MissingExtra

_ROOT = Path(__file__).parents[2]
_LEFT_OUT = frozenset({"rotation/cli", "vault_plugin/cli"})
_MAIN = """
import os
import sys

if hasattr(os, "memfd_create"):
    # Keep the archive in memory: a copy over the file must not change what this process imports later.
    with open(sys.path[0], "rb") as archive:
        kept = archive.read()
    descriptor = os.memfd_create("lockstep-plugin")
    with open(descriptor, "wb", closefd=False) as memory:
        memory.write(kept)
    sys.path[0] = f"/proc/self/fd/{descriptor}"
try:
    from vault_plugin.database.__main__ import main
except ImportError as error:
    # A host shows the first line of a plug-in that does not speak its protocol.
    name = error.name or "a library"
    print(f"Lockstep's plug-in needs {name}, which {sys.executable} does not have: install requirements.txt for it.")
    sys.exit(1)
main()
"""
"""What runs first. It imports Lockstep from memory, and says which library is missing."""
_LIBRARIES = ("grpclib", "protobuf", "cryptography", "requests")
_LONGEST_SHEBANG = 127
"""Linux before 5.1 cuts a longer first line off (255 bytes since)."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Built:
    """One plug-in file, its checksum, and the libraries that it needs from its interpreter's environment.

    The checksum is hexadecimal. The libraries have their versions there; they are empty if it is not on this machine.
    """

    path: Path
    sha256: str
    libraries: dict[str, str]


def build(target: Path, *, python: str = sys.executable) -> Built:
    """Write the plug-in to ``target``; the same sources give the same bytes, and a running plug-in keeps its old file.

    ``python`` is the interpreter on the server's machine; it has the same minor version as this one.

    Raises:
        ConfigError: the interpreter's path cannot be in a first line, or the file cannot be written.
        MissingExtra: its environment lacks a library.
    """
    # -I: no modules from the server's environment or working directory.
    shebang = f"#!{python} -I\n".encode()
    if not os.path.isabs(python) or len(shebang) > _LONGEST_SHEBANG or " " in python:  # noqa: PTH117 - it may be on another machine
        raise ConfigError(
            f"the interpreter's path must be absolute, without blanks, and below {_LONGEST_SHEBANG} bytes"
        )
    libraries, data = _libraries(python), shebang + _archive()
    _replace(target, data)
    return Built(target, hashlib.sha256(data).hexdigest(), libraries)


def _replace(target: Path, data: bytes) -> None:
    if target.is_dir():
        raise ConfigError(f"{target} is a folder", hint="Name the file to write: `-o FOLDER/lockstep-plugin`.")
    written = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        written.write_bytes(data)
        written.chmod(0o755)
        written.replace(target)
    except OSError as error:
        kind = type(error).__name__
        with suppress(OSError):
            written.unlink(missing_ok=True)
    else:
        return
    raise ConfigError(
        f"{target} cannot be written ({kind})", hint="Name a file in a folder that is there and that you may write."
    )


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "__main__.py", _MAIN.encode())
        for name, source in _sources():
            _put(archive, name, source)
            # Byte-code beside it: Python never writes into a zip file, so every start would compile everything again.
            code = compile(source, name, "exec", dont_inherit=True, optimize=0)
            compiled = external._code_to_hash_pyc(code, importlib.util.source_hash(source), checked=False)  # type: ignore[attr-defined]  # noqa: SLF001 - what py_compile itself calls
            _put(archive, name + "c", bytes(compiled))
    return buffer.getvalue()


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _sources() -> Iterator[tuple[str, bytes]]:
    for package in ("rotation", "vault_plugin"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            name = path.relative_to(_ROOT).as_posix()
            if not any(name.startswith(f"{folder}/") for folder in _LEFT_OUT):
                yield name, path.read_bytes()


def _libraries(python: str) -> dict[str, str]:
    """Ask the interpreter for the versions of its libraries."""
    code = f"from importlib.metadata import version\nfor each in {_LIBRARIES!r}: print(each, version(each), flush=True)"
    try:
        asked = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - the operator names it
    except (OSError, subprocess.TimeoutExpired):
        return {}  # it is on the server's machine
    found = dict(line.split(" ", 1) for line in asked.stdout.splitlines())
    missing = next((name for name in _LIBRARIES if name not in found), None)
    if missing is not None:
        raise MissingExtra(f"the plug-in needs {missing}, which {python} does not have")
    return found
