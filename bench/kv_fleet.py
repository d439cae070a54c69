"""A run of the KV job over 500 due secrets on a real OpenBao, beside a plain read and write of each secret.

The vendor is a driver that takes every password at once, and its pace is not limited: what is left is the job, the
engine and the store. OpenBao keeps its storage in memory. The run plans first: it lists the folder and looks at every
secret's metadata. The ratio is between two times of one program.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import rotation.drivers.vendors
from bench.calls import CountingKv
from bench.figures import Figure
from rotation.core.document import SecretDocument
from rotation.deployment.deployment import Deployment
from rotation.stores.vault_kv import HvacKv, Kv
from rotation_testkit.doubles.vault.kv2 import ServedKv, mounted
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.sandbox.enrolled import annotated
from rotation_testkit.sandbox.sandbox import ShiftedClock
from vault_plugin.job.due_secrets import DueSecretsJob

SECRETS, JOBS, FOLDER = 500, 4, "bench/apps"
INSTANT = Path(__file__).parent / "rounds" / "instant"
_NO_PACE = 1e9


def measure() -> Iterator[Figure]:
    """Yield the seconds of both, their ratio, and the round trips of one rotation."""
    rotation.drivers.vendors.__path__.append(str(INSTANT))
    with (
        tempfile.TemporaryDirectory() as home,
        OpenBao(Path(home), storage="inmem", log_level="error", audited=False) as server,
    ):
        mounted(server.client(), "secret")
        paths = [f"{FOLDER}/s{number}" for number in range(SECRETS)]
        plain = _plain(server, paths)
        counted: list[CountingKv] = []

        @contextmanager
        def connect(seconds: float) -> Iterator[Kv]:
            del seconds
            counting = CountingKv(HvacKv(server.client(), "secret"))
            counted.append(counting)
            yield counting

        deployment = Deployment.from_environment({"LOCKSTEP_DRIVERS": "bench_instant"})
        clock = ShiftedClock(offset=2 * 86_400.0)  # so that all are due, each a day after it was written
        fleet = DueSecretsJob(
            connect=connect, deployment=deployment, clock=clock, jobs=JOBS, per_minute=_NO_PACE, attempts=1
        )
        begin = time.perf_counter()
        outcomes = [each.outcome for each in fleet.run(fleet.plan(FOLDER))]
        seconds = time.perf_counter() - begin
        if outcomes != ["promoted"] * SECRETS:
            raise SystemExit(f"{SECRETS} clean rotations were to be made: {sorted(set(outcomes))}")
    trips = sum(each.trips for each in counted) / SECRETS
    name = f"KV job on OpenBao, {SECRETS} secrets, {JOBS} at a time"
    yield Figure(key="fleet/seconds", name=name, value=seconds, unit="s")
    yield Figure(
        key="fleet/ratio",
        name=f"{name}: of one read and one write of each",
        value=seconds / plain,
        unit="ratio",
        detail=f"{seconds:.1f} against {plain:.2f} s",
    )
    yield Figure(key="fleet/trips", name=f"{name}: per secret", value=trips, unit="round trips")


def _plain(server: OpenBao, paths: list[str]) -> float:
    """Write every secret, its schedule and its binding; return the seconds of reading and writing each once more."""
    document = {"driver": "bench_instant", "password": "First-Passw0rd"}

    def each(job: int, cas: int) -> None:
        kv = ServedKv(server.client(), "secret")
        for path in paths[job::JOBS]:
            full = SecretDocument({**document, "username": path.rpartition("/")[2]})
            if cas:
                kv.read(path)
            else:
                kv.configure(path, custom=annotated(full, {"lockstep-every": "1d"}))
            kv.write(path, full, cas=cas)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda job: each(job, 0), range(JOBS)))
        begin = time.perf_counter()
        list(pool.map(lambda job: each(job, 1), range(JOBS)))
        return time.perf_counter() - begin
