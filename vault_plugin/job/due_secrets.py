"""Find all secrets below a folder that are due, and rotate several at a time, each vendor account at its pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from rotation.core.clock import Clock, steady
from rotation.core.document import SecretDocument
from rotation.core.errors import InternalError, NotEnoughTime, RateLimited, RotationError
from rotation.core.process import stop
from rotation.deployment.deployment import Deployment
from rotation.stores.vault_kv import Kv
from vault_plugin.job.kv_rotation import ATTEMPTS, STEP_SECONDS, JobContext, KvRotation, Rotated, WrapStore
from vault_plugin.job.pace import Pace
from vault_plugin.job.schedule import Wishes
from vault_plugin.job.secret_status import SecretStatus, Turn, secret_statuses

_THROTTLED_SECONDS = 30.0
_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSecret:
    """A secret that is due.

    Attributes:
        path: the secret's path in the mount.
        wishes: what its custom metadata ask for.
        since: epoch seconds; 0 for an unfinished rotation, since readers may be waiting for it.
    """

    path: str
    wishes: Wishes
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the job found below a folder.

    Attributes:
        due: the secrets to rotate, in this order.
        waiting: how many secrets are due later.
        off: how many secrets are switched off or have no schedule.
        faulty: the secrets that cannot be planned, each with its error.
    """

    due: tuple[DueSecret, ...]
    waiting: int = 0
    off: int = 0
    faulty: tuple[Rotated, ...] = ()


@dataclass(slots=True, kw_only=True)
class DueSecretsJob:
    """The job for many secrets.

    Attributes:
        connect: yields the mount to one thread, given the seconds for which the thread will use it.
        deployment: what is allowed.
        clock: the job's clock.
        jobs: how many rotations run at a time.
        per_minute: how many rotations of one vendor account may begin in a minute.
        attempts: how often each rotation is tried.
        time_left: seconds until the whole run must have ended; a rotation that could not end in time is not begun.
        wrap_store: see ``JobContext``.
        late: what ended after the process had to stop at once, and was not yielded.
    """

    connect: Callable[[float], AbstractContextManager[Kv]]
    deployment: Deployment
    clock: Clock
    jobs: int = 4
    per_minute: float = 30.0
    attempts: int = ATTEMPTS
    time_left: Callable[[], float] = lambda: float("inf")
    wrap_store: WrapStore | None = None
    late: list[Rotated] = field(init=False, default_factory=list)
    _pace: Pace = field(init=False)
    _admins: dict[str, SecretDocument] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._pace = Pace(self.per_minute, clock=steady(self.clock))

    def plan(self, folder: str) -> Plan:
        """Look at every secret in and below a folder.

        Raises:
            StoreError: the folder cannot be listed, or there is none.
        """
        with self.connect(STEP_SECONDS) as kv:
            found = list(secret_statuses(kv, folder, self.clock))
        counts = Counter(each.turn for each in found)
        due = [_due(each) for each in found if each.turn in (Turn.UNFINISHED, Turn.DUE)]
        return Plan(
            due=tuple(sorted(due, key=lambda each: (each.since, each.path))),
            waiting=counts[Turn.WAITING],
            off=counts[Turn.OFF],
            faulty=tuple(Rotated.failed(each.path, each.error) for each in found if each.error is not None),
        )

    def run(self, plan: Plan) -> Iterator[Rotated]:
        """Rotate what is due and yield each report when it is there; yield the faulty secrets first.

        Once the process is asked to stop, no rotation begins, and those that have not begun are not reported.
        """
        yield from plan.faulty
        pool = ThreadPoolExecutor(max_workers=self.jobs, thread_name_prefix="lockstep")
        rotations = [pool.submit(self._rotate, due) for due in plan.due]
        left = set(rotations)
        try:
            for ended in as_completed(rotations):
                done = ended.result()
                left.discard(ended)
                if done is not None:
                    yield done
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            # Once halted, no vendor call begins: a rotation that ends in this time has given its lease back.
            running = [each for each in left if not each.cancelled()]
            ended_late, _ = wait(running, timeout=stop.HALT_SECONDS if stop.halted() else None)
            self.late += filter(None, (each.result() for each in ended_late))

    def _rotate(self, due: DueSecret) -> Rotated | None:
        if stop.requested():
            return None
        try:
            return self._rotated(due)
        except RotationError as error:
            return Rotated.failed(due.path, error)
        except Exception as foreign:  # noqa: BLE001 - as above
            return Rotated.failed(due.path, InternalError.of(foreign))

    def _rotated(self, due: DueSecret) -> Rotated | None:
        with self.connect(_STEPS * STEP_SECONDS) as kv:
            account = self._vendor_account(kv, due.path)
            delay = self._pace.delay(account)
            if self.time_left() < delay + STEP_SECONDS:
                raise NotEnoughTime("too little time is left in this run; the next run rotates this secret")
            stop.pause(self.clock, delay)
            if stop.requested():
                return None
            context = JobContext(
                kv=kv, deployment=self.deployment, clock=self.clock, wrap_store=self.wrap_store, admins=self._admins
            )
            done = KvRotation(context=context, path=due.path, wishes=due.wishes).run(attempts=self.attempts)
        if isinstance(done.error, RateLimited):
            self._pace.hold(account, _THROTTLED_SECONDS)
        return done

    def _vendor_account(self, kv: Kv, path: str) -> str:
        """Return the name by which the vendor counts requests: the admin credential, or else the product."""
        entry = kv.read(path)
        code = "" if entry is None or entry.document is None else str(entry.document.get("driver"))
        return self.deployment.admin_secrets.get(code, code)


def _due(secret: SecretStatus) -> DueSecret:
    since = 0.0 if secret.turn is Turn.UNFINISHED or secret.due is None else secret.due
    return DueSecret(path=secret.path, wishes=secret.wishes, since=since)
