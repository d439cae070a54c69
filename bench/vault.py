"""Measure the database plug-in on a real OpenBao; print JSON lines, each with its upper bound.

Most of the time of a scheduler's round is the server's own: it writes each password three times and waits for the disk
each time. So the rounds are timed twice, with raft's storage in memory and on the disk of the temporary folder, each
beside a plug-in that does nothing.

Run: ``python -m bench.vault`` (``make bench``). Exits 1 if a value exceeds its bound.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.vault_rounds import ROLES, Side, race
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.processes.process_table import children
from vault_plugin.provision.build import build

TRIES, CONNECTIONS = 9, 200
COOKIE = {"VAULT_DATABASE_PLUGIN": "926a0820-aea2-be28-51d6-83cdf00e8edb", "PLUGIN_PROTOCOL_VERSIONS": "5,6"}
# What every plug-in needs: a server and generated stubs, generated messages, a certificate and its encoding.
BARE = (
    "import grpclib.server, grpclib.client, google.protobuf.internal.builder, google.protobuf.struct_pb2, "
    "cryptography.x509, cryptography.hazmat.primitives.serialization"
)


@dataclass(slots=True)
class Measurements:
    """The measured values."""

    missed: list[str] = field(default_factory=list)

    def emit(self, what: str, value: float, unit: str, most: float | None = None) -> None:
        """Print one line, and note a value that exceeds its bound."""
        ok = most is None or value <= most
        print(json.dumps({"bench": what, "value": round(value, 3), "unit": unit, "most": most, "ok": ok}), flush=True)  # noqa: T201 - this is its output
        self.missed.extend([] if ok else [what])


def certificate() -> str:
    """Return a certificate for the handshake; no client connects."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    from vault_plugin.goplugin import tls

    return tls._certificate(ec.generate_private_key(ec.SECP521R1())).public_bytes(Encoding.PEM).decode()  # noqa: SLF001 - any certificate does


def launches(results: Measurements, plugin: Path) -> None:
    """Compare launch to handshake line with a bare interpreter that imports the three libraries."""
    environment = {**os.environ, **COOKIE, "PLUGIN_CLIENT_CERT": certificate()}
    handshakes, imports = [], []
    for _ in range(TRIES):  # in turns, so that both see the same load
        begin = time.perf_counter()
        with subprocess.Popen([plugin], stdout=subprocess.PIPE, env=environment) as process:  # noqa: S603 - our own
            assert process.stdout is not None  # noqa: S101 - for the type checker
            process.stdout.readline()
            handshakes.append(time.perf_counter() - begin)
            process.kill()
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", BARE], check=True)  # noqa: S603 - our own
        imports.append(time.perf_counter() - begin)
    ours, bare = statistics.median(handshakes), statistics.median(imports)
    results.emit("launch to handshake, of a bare interpreter's imports", ours / bare, "ratio", 1.3)


def memory(results: Measurements, server: OpenBao) -> None:
    """Measure the one process that serves all connections."""
    results.emit(f"processes for {CONNECTIONS} connections", len(children(server.pid)), "processes", 1)
    status = Path(f"/proc/{children(server.pid)[0]}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    results.emit(f"memory of the plug-in with {CONNECTIONS} connections", resident / 1024, "MiB", 80)


def rounds(results: Measurements, *, in_memory: bool) -> None:
    """Time rounds of 200 roles, with our plug-in and an idle one in turns; the best of each counts."""
    tick, count = (10, 3) if in_memory else (20, 2)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fast = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_shm() if in_memory else None)))
        server = stack.enter_context(OpenBao(home, log_level="error", data=fast))
        ours = Side(server, "rotates", tick)
        ours.connect(CONNECTIONS if in_memory else 1)
        if in_memory:
            memory(results, server)
        ours.make_roles()
        time.sleep(tick / 2)
        idle = Side(server, "idles", tick)
        idle.connect(1)
        idle.make_roles()
        timed, slowest = race([ours, idle], count)
    best, floor = (min(timed[side.kind], key=lambda each: each.seconds) for side in (ours, idle))
    if not in_memory:  # a disk's own time has no bound
        results.emit(f"scheduled round of {ROLES} roles, storage on disk", best.seconds, "s")
        results.emit("the same with a plug-in that does nothing, storage on disk", floor.seconds, "s")
        return
    results.emit(f"scheduled round of {ROLES} roles", best.seconds, "s", 2.0)
    results.emit("the same with a plug-in that does nothing", floor.seconds, "s")
    results.emit("our part of a round", best.seconds - floor.seconds, "s", 1.5)
    results.emit("processor time of the plug-in for one round", best.processor, "s", 1.5)
    results.emit("processor time of a plug-in that does nothing", floor.processor, "s")
    results.emit("slowest read of static-creds meanwhile", slowest, "s", 1.0)


def _shm() -> str | None:
    """Return a folder whose files are in memory; ``None`` if the system has none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - the folder's own name is random


def main() -> int:
    """Measure everything once and return the exit code."""
    results = Measurements()
    with tempfile.TemporaryDirectory() as folder:
        launches(results, build(Path(folder) / "lockstep-plugin").path)
    rounds(results, in_memory=True)
    rounds(results, in_memory=False)
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
