"""Calls and writes of clean rotations, by account and store, step by step: exact counts, no timing.

Over AWS the handler runs in this process and reaches the Secrets Manager double through boto3 and a socket; the double
logs every call, those for the admin credential included. Over KV the job runs on the KV double, each of whose verbs is
one request of the real client (``HvacKv``). The vendors are simulators. Every account is rotated three times, 30 days
apart: the second and the third must cost the same, and what they cost is the figure of a later rotation.

``tests/bench/test_calls.py`` holds the same counts as expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from bench.figures import Figure
from bench.template import Database, Template
from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Entry, Kv, Metadata
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    FUNCTION_ARN,
    HUAWEI,
    LINUX_VM,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    Sandbox,
    ShiftedClock,
    open_sandbox,
)
from rotation_testkit.sandbox.served_function import FixedContext
from rotation_testkit.sandbox.vault_sandbox import open_vault_sandbox
from vault_plugin.database.connection import Connection
from vault_plugin.database.memory import Memory
from vault_plugin.database.update import Change, update
from vault_plugin.job.kv_rotation import JobContext, KvRotation

ACCOUNTS: Mapping[str, tuple[str, str]] = {
    "container": (UCLOUD, "container (ucloud_compshare)"),
    "machine": (LINUX_VM, "virtual machine (ucloud_compshare)"),
    "device": (TENCENT, "Linux device (tencent_bm)"),
    "batch": (BATCH, "batch of three devices (tencent_bm)"),
    "user": (VOLCENGINE, "directory user (volcengine_cloudidentity)"),
    "meeting": (HUAWEI, "meeting account (huawei_meeting)"),
}
"""Key in the sandbox and name, by the short name that the figures' keys have: one account of each kind.

What it costs depends on the kind alone, which ``tests/bench/test_calls.py`` holds for every account of the sandbox.
"""

WRITES_PER_SECOND = 50
"""What all writes share per account and region, not adjustable."""
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
MONTH = 30 * 86_400.0


_AWS_UNITS = {"calls": "calls", "writes": "writes"}
_KV_UNITS = {"trips": "round trips", "journal": "journal writes"}


@dataclass(frozen=True, slots=True)
class Count:
    """What one rotation cost, by step.

    Attributes:
        calls: requests to the store.
        writes: those among them that write; of KV, those that write the journal.
    """

    calls: tuple[int, ...]
    writes: tuple[int, ...]


@dataclass(slots=True)
class Function:
    """The product's handler in this process, as a rotation function of the world's Secrets Manager.

    Attributes:
        world: where it works.
        settings: further variables of its environment.
        outside: what the handler gets.
    """

    world: Sandbox
    settings: Mapping[str, str] = field(default_factory=dict)
    outside: handler.World = field(init=False)

    def __post_init__(self) -> None:
        client, environment = self.world.secrets_manager.client(), {**self.world.environment(), **self.settings}
        self.outside = handler.World(connect=lambda: client, environment=environment, clock=self.world.clock)

    def __call__(self, event: dict[str, object]) -> None:
        """Run one step."""
        handler.handle(event, FixedContext(), self.outside)


@contextmanager
def function_for(key: str, clock: ShiftedClock, **settings: str) -> Iterator[tuple[Sandbox, Function]]:
    """Start a world that holds one account of the sandbox; the settings are variables of the function's."""
    with open_sandbox(holding=(key,), clock=clock, retry_delays=()) as started:
        yield started, Function(started, settings)


def aws(key: str, **settings: str) -> tuple[Count, Count]:
    """Return what a first and a later rotation over Secrets Manager cost; the settings are variables."""
    with function_for(key, ShiftedClock(), **settings) as (started, function):
        return _counted(started.secrets_manager, key, function, started.clock)


def template() -> tuple[Count, Count]:
    """Return the same for the stand-in of AWS's template."""
    clock = ShiftedClock()
    with stub_database(clock) as (service, function):
        return _counted(service, "postgres", function, clock)


@contextmanager
def stub_database(clock: ShiftedClock) -> Iterator[tuple[SecretsManager, Template]]:
    """Serve Secrets Manager with the secret ``lockstep/postgres``, and yield the template that rotates it."""
    service = SecretsManager(clock=clock.now, sleep=clock.sleep, retry_delays=())
    with service.serve():
        first = '{"engine": "postgres", "host": "db.example", "username": "app", "password": "First-Passw0rd"}'
        service.create("lockstep/postgres", first)
        yield service, Template(service, Database(Secret("First-Passw0rd")))


def _counted(
    service: SecretsManager, account: str, function: Function | Template, clock: ShiftedClock
) -> tuple[Count, Count]:
    """Rotate ``lockstep/ACCOUNT`` three times."""
    counts = []
    for _ in range(3):
        clock.sleep(MONTH)
        ends = [len(service.calls)]

        def step(event: dict[str, object], ends: list[int] = ends) -> None:
            function(event)
            ends.append(len(service.calls))

        service.register_function(FUNCTION_ARN, step)
        rotation = service.rotate(f"lockstep/{account}", function=FUNCTION_ARN)
        if rotation.failures:
            raise SystemExit(f"the rotation of {account} was to be a clean one: {rotation.failures}")
        parts = [service.calls[begin:end] for begin, end in pairwise(ends)]
        writes = [sum(call.writes for call in part) for part in parts]
        counts.append(Count(tuple(map(len, parts)), tuple(writes)))
    return _first_and_later(account, counts)


def _first_and_later(account: str, counts: list[Count]) -> tuple[Count, Count]:
    first, later, again = counts
    if later != again:
        raise SystemExit(f"{account}: two later rotations cost {later} and {again}")
    return first, later


@dataclass(slots=True)
class CountingKv:
    """A ``Kv`` that counts its requests, and the writes of a journal among them."""

    kv: Kv
    trips: int = 0
    journal: int = 0

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        """See ``Kv``."""
        self.trips += 1
        return self.kv.read(path, version=version)

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        """See ``Kv``."""
        self.trips += 1
        self.journal += path.endswith(JOURNAL_SUFFIX)
        return self.kv.write(path, document, cas=cas)

    def require_write(self, path: str) -> None:
        """See ``Kv``."""
        self.trips += 1
        self.kv.require_write(path)

    def metadata(self, path: str) -> Metadata | None:
        """See ``Kv``."""
        self.trips += 1
        return self.kv.metadata(path)

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """See ``Kv``."""
        self.trips += 1
        self.kv.annotate(path, custom)

    def list(self, folder: str) -> list[str]:
        """See ``Kv``."""
        self.trips += 1
        return self.kv.list(folder)


def kv(key: str) -> tuple[Count, Count]:
    """Return what a job's first and a later rotation in KV cost; the job's own start counts as createSecret."""
    counts, admins = [], dict[str, SecretDocument]()
    with open_vault_sandbox(lambda now: Kv2(now=now), "bench", holding=(key,)) as started:
        if key == BATCH:  # the sandbox gives every document a password of its own
            started.kv.write(started.path(key), SecretDocument(started.world.vendor_accounts[key].document), cas=1)
        for _ in range(3):
            started.world.clock.sleep(MONTH)
            counting = CountingKv(started.kv)
            trips, journal = [0], [0]

            def note(step: str, outcome: str) -> None:
                del step, outcome
                trips.append(counting.trips)  # noqa: B023 - called before the next round
                journal.append(counting.journal)  # noqa: B023 - same

            place = JobContext(kv=counting, deployment=started.deployment, clock=started.world.clock, admins=admins)
            done = KvRotation(context=place, path=started.path(key), ordered=True, on_step=note).run(attempts=1)
            if done.error is not None:
                raise SystemExit(f"the rotation of {key} was to be a clean one: {done.error}")
            counts.append(Count(_steps(trips), _steps(journal)))
    return _first_and_later(key, counts)


def _steps(totals: list[int]) -> tuple[int, ...]:
    return tuple(end - begin for begin, end in pairwise(totals))


def plugin_store_calls() -> int:
    """Return how many requests two changes by the plug-in made to a store; Vault keeps the password itself.

    What it could reach is the Secrets Manager double, to which the process' environment would have to point; the
    plug-in gets its connection's settings and nothing else.
    """
    with open_sandbox(holding=(VOLCENGINE,), retry_delays=()) as started:
        vendor = started.volcengine
        before = len(started.secrets_manager.calls)
        url = started.endpoints[VOLCENGINE]
        connection = Connection.load(
            {
                "driver": VOLCENGINE,
                "endpoint": url,
                "hosts": url.removeprefix("http://"),
                "access_key": vendor.credentials.access_key,
                "secret_key": vendor.credentials.secret_key.reveal(),
            }
        )
        memory, document = Memory(), started.vendor_accounts[VOLCENGINE].document
        for password in ("First-Passw0rd-1234!", "Second-Passw0rd-1234!"):
            change = Change(
                username=str(document["username"]),
                password=Secret(password),
                statements=(f"user_id={document['user_id']}",),
                time_left=lambda: 60.0,
            )
            update(connection, memory, change, started.clock)
            if started.live(VOLCENGINE) != Secret(password):
                raise SystemExit("the plug-in did not change the password")
        return len(started.secrets_manager.calls) - before


def measure() -> Iterator[Figure]:
    """Yield the counts, and what they mean for the quota of writes."""
    later: dict[str, int] = {}
    for account, (key, name) in ACCOUNTS.items():
        for turn, count in zip(("first", "later"), aws(key), strict=True):
            yield from _figures(f"aws/{account}/{turn}", f"AWS, {name}, {turn} rotation", count, _AWS_UNITS)
        later[account] = sum(count.writes)
    for turn, count in zip(("first", "later"), template(), strict=True):
        name = f"AWS's PostgreSQL template (stand-in), {turn} rotation"
        yield from _figures(f"aws/template/{turn}", name, count, _AWS_UNITS)
    later["template"] = sum(count.writes)
    for account, writes in later.items():
        yield Figure(
            key=f"quota/{account}",
            name=f"later rotations at {WRITES_PER_SECOND} writes/s, {account}",
            value=WRITES_PER_SECOND / writes,
            unit="rotations/s",
        )
    for account, (key, name) in ACCOUNTS.items():
        first, again = kv(key)
        turns = {"every": first} if first == again else {"first": first, "later": again}
        for turn, count in turns.items():
            yield from _figures(f"kv/{account}/{turn}", f"KV job, {name}, {turn} rotation", count, _KV_UNITS)
    yield Figure(
        key="plugin/store_calls", name="plug-in, one password", value=plugin_store_calls(), unit="calls to a store"
    )


def _figures(key: str, name: str, count: Count, units: Mapping[str, str]) -> Iterator[Figure]:
    for (unit, words), counts in zip(units.items(), (count.calls, count.writes), strict=True):
        yield Figure(key=f"{key}/{unit}", name=name, value=sum(counts), unit=words, detail=" + ".join(map(str, counts)))
