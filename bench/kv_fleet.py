"""A run of the KV job over 500 secrets on a real OpenBao, beside a plain read and write of each secret.

The vendor is a driver that takes every password at once, and its pace is not limited: what is left is the job, the
engine and the store. OpenBao keeps its storage in memory. The ratio is between two times of one run.
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
from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.deployment.deployment import Deployment
from rotation.stores.vault_kv import HvacKv, Kv
from rotation_testkit.doubles.vault.kv2 import mounted
from rotation_testkit.doubles.vault.openbao import OpenBao
from vault_plugin.job.due_secrets import Due, Fleet, Plan
from vault_plugin.job.schedule import Wishes

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
        fleet = Fleet(
            connect=connect, deployment=deployment, clock=SystemClock(), jobs=JOBS, per_minute=_NO_PACE, attempts=1
        )
        due = tuple(Due(path=path, wishes=Wishes(), since=0.0) for path in paths)
        begin = time.perf_counter()
        failed = [each.outcome for each in fleet.run(Plan(due=due)) if each.error is not None]
        seconds = time.perf_counter() - begin
        if failed:
            raise SystemExit(f"every rotation was to be a clean one: {failed[:3]}")
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
    """Write every secret, and return the seconds of reading and writing each once more, as many at a time."""
    document = {"driver": "bench_instant", "password": "First-Passw0rd"}

    def each(job: int, cas: int) -> None:
        kv = HvacKv(server.client(), "secret")
        for path in paths[job::JOBS]:
            if cas:
                kv.read(path)
            username = path.rpartition("/")[2]
            kv.write(path, SecretDocument({**document, "username": username}), cas=cas)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda job: each(job, 0), range(JOBS)))
        begin = time.perf_counter()
        list(pool.map(lambda job: each(job, 1), range(JOBS)))
        return time.perf_counter() - begin
