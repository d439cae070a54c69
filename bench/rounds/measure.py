"""The database plug-in on a real OpenBao: its start, its memory, and rounds of the server's scheduler.

What a round of the server's scheduler takes is mostly the server's own: it writes each password three times, and waits
for the disk each time. So the rounds are timed twice, with raft's storage in memory and on the disk of the temporary
folder, each beside a plug-in that does nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Figure
from bench.rounds.race import ROLES, Side, race
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


def certificate() -> str:
    """Return a certificate for the handshake; no client connects."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    from vault_plugin.goplugin import tls

    return tls._certificate(ec.generate_private_key(ec.SECP521R1())).public_bytes(Encoding.PEM).decode()  # noqa: SLF001 - any certificate does


def launches(plugin: Path) -> Iterator[Figure]:
    """Yield the time from launch to handshake line, of that of a bare interpreter that imports the three libraries."""
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
    yield _figure("launch", "plug-in, launch to handshake, of a bare interpreter's imports", ours / bare, "ratio")


def memory(server: OpenBao) -> Iterator[Figure]:
    """Measure the one process that serves all connections."""
    yield _figure("processes", f"plug-in, {CONNECTIONS} connections", len(children(server.pid)), "processes")
    status = Path(f"/proc/{children(server.pid)[0]}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    yield _figure("memory", f"plug-in, {CONNECTIONS} connections, memory", resident / 1024, "MiB")


def rounds(*, in_memory: bool) -> Iterator[Figure]:
    """Time rounds of 200 roles, ours and idle ones in turns; the best of each counts."""
    tick, count = (10, 3) if in_memory else (20, 1)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fast = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_shm() if in_memory else None)))
        server = stack.enter_context(OpenBao(home, log_level="error", data=fast))
        ours = Side(server, "rotates", tick)
        ours.connect(CONNECTIONS if in_memory else 1)
        if in_memory:
            yield from memory(server)
        ours.make_roles()
        time.sleep(tick / 2)
        idle = Side(server, "idles", tick)
        idle.connect(1)
        idle.make_roles()
        timed, slowest = race([ours, idle], count)
    best, floor = (min(timed[side.kind], key=lambda each: each.seconds) for side in (ours, idle))
    where = "in_memory" if in_memory else "on_disk"
    name = f"plug-in, scheduled round of {ROLES} roles, storage {where.replace('_', ' ')}"
    yield _figure(where, name, best.seconds, "s")
    yield _figure(f"{where}/idle", f"{name}, a plug-in that does nothing", floor.seconds, "s")
    if in_memory:  # a disk's own time has no bound
        yield _figure("ours", f"{name}, our part", best.seconds - floor.seconds, "s")
        yield _figure("processor", f"{name}, processor time of the plug-in", best.processor, "s")
        yield _figure("processor/idle", f"{name}, of one that does nothing", floor.processor, "s")
        yield _figure("slowest_read", "slowest read of static-creds meanwhile", slowest, "s")


def _figure(key: str, name: str, value: float, unit: str) -> Figure:
    return Figure(key=f"rounds/{key}", name=name, value=value, unit=unit)


def _shm() -> str | None:
    """Return a folder whose files are in memory; ``None`` if the system has none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - the folder's own name is random


def measure() -> Iterator[Figure]:
    """Yield everything, measured once."""
    with tempfile.TemporaryDirectory() as folder:
        yield from launches(build(Path(folder) / "lockstep-plugin").path)
    yield from rounds(in_memory=True)
    yield from rounds(in_memory=False)
