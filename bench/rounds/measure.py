"""The database plug-in on a real OpenBao, as JSON lines; each with the bound that it is to keep, within this one run.

What a round of the server's scheduler takes is mostly the server's own: it writes each password three times, and waits
for the disk each time. So the rounds are timed twice, with raft's storage in memory and on the disk of the temporary
folder, each beside a plug-in that does nothing.

Run: ``python -m bench.vault`` (``make bench``). Exits 1 when a bound is not kept.
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

from bench.vault_rounds import ROLES, Side, children, race
from rotation_testkit.doubles.vault.openbao import OpenBao
from vault_plugin.provision.build import build

TRIES, CONNECTIONS = 9, 200
COOKIE = {"VAULT_DATABASE_PLUGIN": "926a0820-aea2-be28-51d6-83cdf00e8edb", "PLUGIN_PROTOCOL_VERSIONS": "5,6"}
# What no plug-in can do without: a server and generated stubs, generated messages, a certificate and its encoding.
BARE = (
    "import grpclib.server, grpclib.client, google.protobuf.internal.builder, google.protobuf.struct_pb2, "
    "cryptography.x509, cryptography.hazmat.primitives.serialization"
)


@dataclass(slots=True)
class Told:
    """What was measured."""

    missed: list[str] = field(default_factory=list)

    def emit(self, what: str, value: float, unit: str, most: float | None = None) -> None:
        """Print one line, and remember a bound that is not kept."""
        ok = most is None or value <= most
        print(json.dumps({"bench": what, "value": round(value, 3), "unit": unit, "most": most, "ok": ok}), flush=True)  # noqa: T201 - this is its output
        self.missed.extend([] if ok else [what])


def certificate() -> str:
    """Return some certificate for the handshake; nobody connects."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    from vault_plugin.goplugin import tls

    return tls._certificate(ec.generate_private_key(ec.SECP521R1())).public_bytes(Encoding.PEM).decode()  # noqa: SLF001 - a certificate is a certificate


def launches(told: Told, plugin: Path) -> None:
    """Compare launch to handshake line with a bare interpreter that imports the three libraries."""
    environment = {**os.environ, **COOKIE, "PLUGIN_CLIENT_CERT": certificate()}
    handshakes, imports = [], []
    for _ in range(TRIES):  # in turns, so that both meet the same machine
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
    told.emit("launch to handshake, of a bare interpreter's imports", ours / bare, "ratio", 1.3)


def memory(told: Told, server: OpenBao) -> None:
    """Measure the one process that serves all connections."""
    told.emit(f"processes for {CONNECTIONS} connections", len(children(server)), "processes", 1)
    status = Path(f"/proc/{children(server)[0]}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    told.emit(f"memory of the plug-in with {CONNECTIONS} connections", resident / 1024, "MiB", 80)


def rounds(told: Told, *, in_memory: bool) -> None:
    """Time rounds of 200 roles, ours and idle ones in turns; the best of each counts."""
    tick, count = (10, 3) if in_memory else (20, 2)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fast = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_shm() if in_memory else None)))
        server = stack.enter_context(OpenBao(home, log_level="error", data=fast))
        ours = Side(server, "rotates", tick)
        ours.connect(CONNECTIONS if in_memory else 1)
        if in_memory:
            memory(told, server)
        ours.make_roles()
        time.sleep(tick / 2)
        idle = Side(server, "idles", tick)
        idle.connect(1)
        idle.make_roles()
        timed, slowest = race([ours, idle], count)
    best, floor = (min(timed[side.kind], key=lambda each: each.seconds) for side in (ours, idle))
    if not in_memory:  # a disk's own time has no bound
        told.emit(f"scheduled round of {ROLES} roles, storage on disk", best.seconds, "s")
        told.emit("the same with a plug-in that does nothing, storage on disk", floor.seconds, "s")
        return
    told.emit(f"scheduled round of {ROLES} roles", best.seconds, "s", 2.0)
    told.emit("the same with a plug-in that does nothing", floor.seconds, "s")
    told.emit("our part of a round", best.seconds - floor.seconds, "s", 1.5)
    told.emit("processor time of the plug-in for one round", best.processor, "s", 1.5)
    told.emit("processor time of a plug-in that does nothing", floor.processor, "s")
    told.emit("slowest read of static-creds meanwhile", slowest, "s", 1.0)


def _shm() -> str | None:
    """Return a folder whose files are in memory, where the system has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - the folder's own name is random


def main() -> int:
    """Measure everything once. Returns the exit code."""
    told = Told()
    with tempfile.TemporaryDirectory() as folder:
        launches(told, build(Path(folder) / "lockstep-plugin").path)
    rounds(told, in_memory=True)
    rounds(told, in_memory=False)
    return 1 if told.missed else 0


if __name__ == "__main__":
    sys.exit(main())
