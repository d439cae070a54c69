"""The rotation job over KV version 2: one secret from its first step to its last, by the engine that AWS's face has.

A rotation that died is resumed under its own token, with its own candidate; nothing but the journal beside the secret
is needed for that. Readers of the secret get a working value at all times but between the vendor's change and the
commit: that gap is measured for each rotation.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import IdentityChanged, InternalError, Parked, RotationError
from rotation.core.values import Step
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.guarded import Guarded
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.store import Store
from rotation.stores.vault_kv import Kv, VaultKv, read_current
from vault_plugin.job.gap import GapStore
from vault_plugin.job.schedule import Wishes

STEP_SECONDS = 120.0
"""A step's time. A killed run's lease lasts as long, so it is a function's time-out rather than a human's patience."""
ATTEMPTS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0

_IDENTITY = (
    "An identifying field was edited while a rotation ran. Undo the edit and run the rotation again; or, if the edit "
    "is to stay, give the rotation up by `lockstep vault cancel {path}` and start a new one."
)

Over = Callable[[Store, Wishes], Store]
"""Puts something over a secret's store before the engine gets it, such as a mirror."""


def not_over(store: Store, wishes: Wishes) -> Store:
    """Leave the store as it is."""
    del wishes
    return store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the job works.

    Attributes:
        kv: the mount, by a client that nobody else uses at the same time.
        deployment: what is allowed.
        clock: everybody's.
        step_seconds: a step's time.
        over: what to put over each store.
    """

    kv: Kv
    deployment: Deployment
    clock: Clock
    step_seconds: float = STEP_SECONDS
    over: Over = not_over


@dataclass(slots=True, kw_only=True)
class Rotated:
    """How the rotation of one secret went.

    Attributes:
        path: of the secret, relative to the mount.
        token: the rotation's.
        resumed: whether it had been begun by an earlier run.
        outcome: one word: ``promoted``, ``already_done`` or the error's code.
        driver: the driver's code, once known.
        evidence: by what the new password was proved.
        gap_seconds: for how long readers may have got a dead password; ``None`` when nothing was committed.
        seconds: of the whole run.
        attempts: how often the four steps were begun.
        vendor_request_id: of the vendor's latest answer.
        error: why it failed.
    """

    path: str
    token: str = ""
    resumed: bool = False
    outcome: str = ""
    driver: str | None = None
    evidence: str | None = None
    gap_seconds: float | None = None
    seconds: float = 0.0
    attempts: int = 0
    vendor_request_id: str | None = None
    error: RotationError | None = None

    def describe(self) -> dict[str, object]:
        """Return the fields that ``--json`` and log lines show."""
        gap = self.gap_seconds
        return {
            "path": self.path,
            "token": self.token,
            "resumed": self.resumed,
            "outcome": self.outcome,
            "driver": self.driver,
            "evidence": self.evidence,
            "gap_ms": None if gap is None else round(gap * 1000),
            "duration_ms": round(self.seconds * 1000),
            "attempts": self.attempts,
            "vendor_request_id": self.vendor_request_id,
            "error": None if self.error is None else self.error.describe(),
        }


@dataclass(slots=True, kw_only=True)
class Rotation:
    """One secret's rotation.

    Attributes:
        place: where.
        path: of the secret.
        wishes: of its custom metadata.
        ordered: whether a human asked for it, so that neither schedule nor switch keeps it back.
        told: hears of every step that has ended, by its name and outcome.
    """

    place: Place
    path: str
    wishes: Wishes = field(default_factory=Wishes)
    ordered: bool = False
    told: Callable[[str, str], None] = lambda step, outcome: None  # noqa: ARG005 - nobody listens

    def run(self, *, attempts: int = ATTEMPTS) -> Rotated:
        """Rotate, trying again after failures that pass by themselves. Never raises a ``RotationError``."""
        clock = self.place.clock
        started, done = clock.now(), Rotated(path=self.path)
        while True:
            done.attempts += 1
            done.error = self._guarded(done)
            pause = _pause(done.error, done.attempts, clock.now())
            if done.error is None or pause is None or done.attempts >= attempts:
                break
            clock.sleep(pause)
        if done.error is not None:
            done.outcome = done.error.code
        done.seconds = clock.now() - started
        return done

    def _guarded(self, done: Rotated) -> RotationError | None:
        try:
            self._attempt(done)
        except IdentityChanged as error:
            error.hint = _IDENTITY.format(path=self.path)
            return error
        except RotationError as error:
            return error
        except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
            return InternalError.of(foreign)
        return None

    def _attempt(self, done: Rotated) -> None:
        place = self.place
        plain = VaultKv(place.kv, self.path, clock=place.clock)
        fresh = str(uuid.uuid4())
        done.token = plain.begin(fresh)
        done.resumed = done.resumed or (done.token != fresh and done.attempts == 1)
        store = GapStore(place.over(plain, self.wishes), done.token, clock=place.clock)
        for step in Step:
            try:
                result = self._step(store, step, done)
            except RotationError as error:
                self.told(step.value, error.code)
                raise
            self.told(step.value, result.outcome)
        done.outcome, done.gap_seconds = result.outcome, store.seconds
        done.evidence = result.evidence.name if result.evidence else None

    def _step(self, store: Store, step: Step, done: Rotated) -> Result:
        place = self.place
        deadline = place.clock.now() + place.step_seconds

        def time_left() -> float:
            return deadline - place.clock.now()

        def fetch(path: str) -> SecretDocument:
            return read_current(place.kv, path)

        binder = Binder(deployment=place.deployment, fetch=fetch, clock=place.clock, time_left=time_left)
        session = Session(
            store=store,
            token=done.token,
            bind=lambda document: wished(binder(document), self.wishes, ordered=self.ordered),
            clock=place.clock,
            time_left=time_left,
            holder=os.urandom(8).hex(),
            ordered=self.ordered,
        )
        try:
            return run(session, step)
        finally:
            done.driver = binder.driver or done.driver
            done.vendor_request_id = binder.vendor_request_id or done.vendor_request_id


def wished(bound: Guarded, wishes: Wishes, *, ordered: bool) -> Guarded:
    """Return the account with policy and window narrowed to what the secret's custom metadata ask for.

    Args:
        bound: the account.
        wishes: of the custom metadata.
        ordered: whether a human asked for this run, so that the schedule's window does not hold.
    """
    if wishes.narrows:
        policies = {
            name: policy.narrowed(
                wishes.exclude, shell_safe=wishes.shell_safe, url_safe=wishes.url_safe, length=wishes.length
            )
            for name, policy in bound.spec.policies.items()
        }
        bound = replace(bound, spec=replace(bound.spec, policies=policies))
    if wishes.window.spans and not ordered:
        bound = replace(bound, window=wishes.window)
    return bound


def _pause(error: RotationError | None, attempts: int, now: float) -> float | None:
    """Return how long to wait before another attempt; ``None`` when this run is not to make one."""
    if error is None or not error.retryable or isinstance(error, Parked):
        return None
    pause = max(_FIRST_PAUSE * 2.0 ** (attempts - 1), (error.not_before or now) - now)
    return pause if pause <= _LONGEST_PAUSE else None
