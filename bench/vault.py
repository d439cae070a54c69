"""The database plug-in on a real OpenBao, as JSON lines; each with the bound that it is to keep, within this one run.

Run: ``python -m bench.vault`` (``make bench``).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

from rotation.policy import VENDOR_POLICIES
from rotation.policy.render import to_hcl
from rotation.testing.openbao import OpenBao
from vault_plugin.database import VERSION
from vault_plugin.provision_build import build

ROOT = Path(__file__).parents[1]
TRIES, ROLES, CONNECTIONS, PATIENCE = 9, 200, 200, 120.0
COOKIE = {"VAULT_DATABASE_PLUGIN": "926a0820-aea2-be28-51d6-83cdf00e8edb", "PLUGIN_PROTOCOL_VERSIONS": "5,6"}
# What no plug-in can do without: a server and generated stubs, generated messages, a certificate and its encoding.
BARE = (
    "import grpclib.server, grpclib.client, google.protobuf.internal.builder, google.protobuf.struct_pb2, "
    "cryptography.x509, cryptography.hazmat.primitives.serialization"
)
# The plug-in with one more driver; its checksum covers this launcher only, which is enough for a measurement.
LAUNCHER = """#!{python} -I
import sys
sys.path.insert(0, {root!r})
import rotation.drivers
rotation.drivers.__path__.append({folder!r})
sys.argv.append({log!r})
from vault_plugin.database.__main__ import main
main()
"""


def emit(what: str, value: float, unit: str, most: float) -> None:
    """Print one line."""
    print(json.dumps({"bench": what, "value": round(value, 3), "unit": unit, "most": most, "ok": value <= most}))  # noqa: T201 - this is its output


def certificate() -> str:
    """Return some certificate for the handshake; nobody connects."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    from vault_plugin.goplugin import tls

    return tls._certificate(ec.generate_private_key(ec.SECP521R1())).public_bytes(Encoding.PEM).decode()  # noqa: SLF001 - a certificate is a certificate


def launches(plugin: Path) -> None:
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
    emit("launch to handshake, of a bare interpreter's imports", ours / bare, "ratio", 1.3)


def prepare(server: OpenBao) -> Any:  # noqa: ANN401 - hvac has no types
    """Install the plug-in with the driver that answers at once, 200 connections and 200 roles."""
    launcher = server.plugins / "bench"
    text = LAUNCHER.format(
        python=sys.executable,
        root=str(ROOT),
        folder=str(ROOT / "bench" / "instant"),
        log=str(server.home / "rotations"),
    )
    launcher.write_text(text)
    launcher.chmod(0o755)
    adapter = server.client().adapter
    digest = sha256(text.encode()).hexdigest()
    adapter.put(
        "/v1/sys/plugins/catalog/database/bench", json={"sha256": digest, "command": "bench", "version": VERSION}
    )
    adapter.post(
        "/v1/sys/mounts/database", json={"type": "database", "options": {"rotation_queue_tick_interval": "20"}}
    )
    policy = to_hcl(VENDOR_POLICIES["volcengine_cloudidentity"]["default"]).text
    adapter.put("/v1/sys/policies/password/bench", json={"policy": policy})
    config = {"plugin_name": "bench", "driver": "bench_instant", "allowed_roles": "*", "password_policy": "bench"}
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda n: adapter.post(f"/v1/database/config/c{n}", json=config), range(CONNECTIONS)):
            pass
    return adapter


def memory(server: OpenBao) -> None:
    """Measure the one process that serves all connections."""
    emit(f"processes for {CONNECTIONS} connections", len(children(server)), "processes", 1)
    status = Path(f"/proc/{children(server)[0]}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    emit(f"memory of the plug-in with {CONNECTIONS} connections", resident / 1024, "MiB", 80)


def round_trips(server: OpenBao, adapter: Any, log: Path) -> None:  # noqa: ANN401 - hvac has no types
    """Time whole rounds of 200 roles: with a tick of 20 seconds and a period of 5 each tick finds all of them due."""
    body = {"db_name": "c0", "rotation_period": 5}
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(
            lambda n: adapter.post(f"/v1/database/static-roles/r{n}", json={**body, "username": f"user-{n}"}),
            range(ROLES),
        ):
            pass
    reads, before = [], cpu(server)
    done = lambda: [float(line) for line in log.read_text().split()]  # noqa: E731 - one line
    count, end = len(done()), time.monotonic() + PATIENCE
    while len(done()) < count + 2 * ROLES and time.monotonic() < end:
        begin = time.perf_counter()
        adapter.get("/v1/database/static-creds/r0")
        reads.append(time.perf_counter() - begin)
        time.sleep(0.2)
    moments = done()[count : count + 2 * ROLES]
    rounds = [moments[:ROLES], moments[ROLES:]]
    emit(f"scheduled round of {ROLES} roles", min(each[-1] - each[0] for each in rounds), "s", 2.0)
    emit("CPU of the plug-in for one round", (cpu(server) - before) / 2, "s", 2.0)
    emit("slowest read of static-creds meanwhile", max(reads), "s", 1.0)


def cpu(server: OpenBao) -> float:
    """Return the seconds of CPU that the plug-in has used."""
    used = Path(f"/proc/{children(server)[0]}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def children(server: OpenBao) -> list[int]:
    """Return the plug-ins' process ids."""
    tasks = Path(f"/proc/{server.pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def main() -> None:
    """Measure everything once."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        launches(build(home / "lockstep-plugin").path)
        with OpenBao(home, log_level="error") as server:
            adapter = prepare(server)
            memory(server)
            round_trips(server, adapter, server.home / "rotations")


if __name__ == "__main__":
    main()
