"""All that is due below a folder: found, put in order, and rotated a few at a time at the vendors' pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from rotation.core.clock import Clock
from rotation.core.errors import NotEnoughTime, RateLimited, RotationError
from rotation.deployment.deployment import Deployment
from rotation.stores.vault_kv import Kv, VaultKv
from vault_plugin.job.kv_rotation import ATTEMPTS, STEP_SECONDS, Over, Place, Rotated, Rotation, not_over
from vault_plugin.job.pace import Pace
from vault_plugin.job.schedule import Candidate, Wishes, walk

_THROTTLED_SECONDS = 30.0
_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A secret whose turn it is.

    Attributes:
        path: relative to the mount.
        wishes: of its custom metadata.
        since: epoch seconds; 0 for a rotation that was begun and not ended, since readers may be waiting for it.
    """

    path: str
    wishes: Wishes
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a look at a folder came to.

    Attributes:
        due: in the order in which to rotate.
        waiting: how many have their turn later.
        off: how many are switched off or have no schedule.
        faulty: those that cannot be planned, each with its error.
    """

    due: tuple[Due, ...]
    waiting: int = 0
    off: int = 0
    faulty: tuple[Rotated, ...] = ()


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The job for many secrets.

    Attributes:
        connect: yields the mount to one thread; given for how many seconds it will be used.
        deployment: what is allowed.
        clock: everybody's.
        jobs: rotations at a time.
        per_minute: rotations of one vendor account that may begin in a minute.
        attempts: of each rotation.
        time_left: seconds until the whole run must have ended; rotations that could not end are not begun.
        step_seconds: a step's time.
        over: see ``Place``.
    """

    connect: Callable[[float], AbstractContextManager[Kv]]
    deployment: Deployment
    clock: Clock
    jobs: int = 4
    per_minute: float = 30.0
    attempts: int = ATTEMPTS
    step_seconds: float = STEP_SECONDS
    time_left: Callable[[], float] = lambda: float("inf")
    over: Over = not_over
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(self.per_minute, clock=self.clock)

    def plan(self, folder: str) -> Plan:
        """Look at every secret in and below a folder.

        Raises:
            StoreError: the folder cannot be listed.
        """
        due: list[Due] = []
        faulty: list[Rotated] = []
        waiting = off = 0
        with self.connect(self.step_seconds) as kv:
            for candidate in walk(kv, folder):
                try:
                    turn = self._turn(kv, candidate)
                except RotationError as error:
                    faulty.append(Rotated(path=candidate.path, outcome=error.code, error=error))
                    continue
                if isinstance(turn, Due):
                    due.append(turn)
                elif turn is None:
                    off += 1
                else:
                    waiting += 1
        order = sorted(due, key=lambda each: (each.since, each.path))
        return Plan(due=tuple(order), waiting=waiting, off=off, faulty=tuple(faulty))

    def _turn(self, kv: Kv, candidate: Candidate) -> Due | float | None:
        """Return the due rotation, the epoch of the next one, or ``None`` where there is no schedule."""
        wishes = Wishes.parse(candidate.metadata.custom)
        at = wishes.due_at(candidate.metadata.created or 0.0)
        if not wishes.enabled or at is None:
            return None
        if candidate.has_journal and VaultKv(kv, candidate.path, clock=self.clock).unfinished() is not None:
            return Due(path=candidate.path, wishes=wishes, since=0.0)
        return Due(path=candidate.path, wishes=wishes, since=at) if at <= self.clock.now() else at

    def run(self, plan: Plan) -> Iterator[Rotated]:
        """Rotate what is due, yielding each as it ends; the faulty ones come first."""
        yield from plan.faulty
        with ThreadPoolExecutor(max_workers=self.jobs, thread_name_prefix="lockstep") as pool:
            for ended in as_completed([pool.submit(self._rotate, due) for due in plan.due]):
                yield ended.result()

    def _rotate(self, due: Due) -> Rotated:
        try:
            return self._rotated(due)
        except RotationError as error:
            return Rotated(path=due.path, outcome=error.code, error=error)

    def _rotated(self, due: Due) -> Rotated:
        with self.connect(_STEPS * self.step_seconds) as kv:
            account = self._vendor_account(kv, due.path)
            delay = self._pace.delay(account)
            if self.time_left() < delay + self.step_seconds:
                raise NotEnoughTime("too little time is left in this run; the next one takes it first")
            self.clock.sleep(delay)
            place = Place(
                kv=kv, deployment=self.deployment, clock=self.clock, step_seconds=self.step_seconds, over=self.over
            )
            done = Rotation(place=place, path=due.path, wishes=due.wishes).run(attempts=self.attempts)
        if isinstance(done.error, RateLimited):
            self._pace.hold(account, _THROTTLED_SECONDS)
        return done

    def _vendor_account(self, kv: Kv, path: str) -> str:
        """Return what the vendor counts requests by: the admin credential, where there is one, else the product."""
        entry = kv.read(path)
        code = "" if entry is None or entry.document is None else str(entry.document.get("driver"))
        return self.deployment.admin_secrets.get(code, code)
