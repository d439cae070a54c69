"""AWS Lambda entry point: parse the event, open a session, run one step, write one log line and the metrics.

A rotation function reports a failed step by raising an exception. Only Lockstep's own errors are raised; they contain
no secret value.

The template's schedule invokes the function, too, with ``{"lockstep": "watch", "prefix": "…"}``. It then lists the
secrets, and counts and announces what is overdue, stuck or waiting for a human: a rotation that nobody tries any more
invokes nothing, so that no step could say so.
"""

from __future__ import annotations

# Everything that is imported stays. To look among it for garbage takes a fifth of a cold start (measured 2026-11-30).
import gc

gc.disable()

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from rotation import __version__
from rotation.core.clock import Clock, StoreClock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import AdminRejected, InternalError, Parked, RotationError, StoreError, Withheld
from rotation.core.event import EventKind
from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import write_line
from rotation.core.secret import Secret
from rotation.deployment import sources
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder, kept
from rotation.deployment.deployment import Deployment
from rotation.deployment.keys.candidate_seal import require_seal, seal_for
from rotation.deployment.open_session import open_session
from rotation.engine.run import check, run
from rotation.engine.session import Session
from rotation.state import marks, parking
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.deadline import within
from rotation.stores.aws.rotation_event import CHECK, RotationEvent, checked_id
from rotation.stores.aws.secrets_manager import AwsSecretsManager, read_current

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from rotation.stores.aws.fleet.fleet_secret import FleetSecret


WATCH = "watch"
"""The value of the key ``lockstep`` in the schedule's event."""


class LambdaContext(Protocol):
    """The part of the runtime's context that is used."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside of the function. Tests and the command line pass their own.

    Attributes:
        connect: returns the client for Secrets Manager; raises ``ConfigError`` when AWS settings are wrong.
        environment: the function's variables, which include the role's AWS keys.
        clock: the time.
        admins: the documents of admin credentials and of the seal's key by secret, kept from one invocation to the
            next while all goes well.
    """

    connect: Callable[[], SecretsManagerClient]
    environment: Mapping[str, str] = field(repr=False)
    clock: Clock
    admins: dict[str, SecretDocument] = field(default_factory=dict, repr=False)


def _keep_for_good() -> None:
    """Look for garbage again, among what is made from here on."""
    gc.freeze()
    gc.enable()


@lru_cache(maxsize=1)
def _client() -> SecretsManagerClient:
    """Return the client, made once per runtime, like what is imported for it."""
    gc.disable()
    try:
        return secrets_manager()
    finally:
        _keep_for_good()


def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Serve one invocation by Secrets Manager.

    Returns:
        The log line's fields; Secrets Manager ignores them.

    Raises:
        RotationError: the step failed.
    """
    world = World(connect=_client, environment=os.environ, clock=SystemClock(), admins=_ADMINS)
    return handle(event, context, world)


def handle(event: object, context: LambdaContext, world: World) -> dict[str, object]:
    """Serve one invocation in a given world; see ``lambda_handler``."""
    silence_libraries()
    watches = isinstance(event, Mapping) and event.get("lockstep") == WATCH
    report = _Report(context.aws_request_id, world.clock, WATCH if watches else "step")
    time_left = within(lambda: context.get_remaining_time_in_millis() / 1000)
    if isinstance(event, Mapping) and CHECK in event:
        with time_left:
            return _check(event, context, world, report)
    with Withheld(Exception, by=report.failed), time_left:
        try:
            (_watch if watches else _run)(event, context, world, report)
        except Exception:
            world.admins.clear()  # The vendor may have refused one that has been replaced since.
            sources.forget()  # The operator may have changed the configuration since.
            raise
    return report.succeeded()


def _check(event: Mapping[str, object], context: LambdaContext, world: World, report: _Report) -> dict[str, object]:
    """Check one secret's current password, for the fleet's state machine, and return how that ended: see ``Checked``.

    Nothing is raised: a password that does not open its account is a result.
    """
    report.note(step="verify")

    def open_one() -> Session:
        secret_id = checked_id(event)
        report.note(secret_id=secret_id)
        return _opened(context, world, secret_id).session

    are_kept = bool(world.admins)
    found = check(open_one)
    if are_kept and isinstance(found.error, AdminRejected):
        world.admins.clear()  # as in ``_run``
        found = check(open_one)
    report.note(driver=found.driver, outcome=found.ended, evidence=found.evidence)
    error = None if found.error is None else report.failed(found.error)
    if error is None:
        report.succeeded()
    else:
        world.admins.clear()
        sources.forget()
    answer = {"ended": found.ended, "evidence": found.evidence, "error": error.describe() if error else None}
    return {key: value for key, value in answer.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The session of an invocation, and what the log line says of it."""

    session: Session
    binder: Binder
    store: AwsSecretsManager
    announcer: Announcer


def _opened(
    context: LambdaContext, world: World, secret_id: str, token: str = "", rotation_token: Secret | None = None
) -> _Opened:
    """Open the session of an invocation."""
    client = world.connect()
    deployment = Deployment.from_environment(world.environment)
    fetch = kept(world.admins, partial(read_current, client), world.clock.now)
    require_seal(deployment)
    clock = StoreClock(world.clock)
    binder = Binder(
        deployment=deployment,
        fetch=fetch,
        clock=clock,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    seal = seal_for(deployment, fetch)
    store = AwsSecretsManager(client, secret_id, rotation_token=rotation_token, seal=seal, clock=clock)
    announcer = Announcer.of(binder, lambda: store.name)
    session = open_session(store, binder, token=token, announce=announcer)
    return _Opened(session=session, binder=binder, store=store, announcer=announcer)


def _run(event: object, context: LambdaContext, world: World, report: _Report) -> None:
    parsed = RotationEvent.parse(event)
    report.note(secret_id=parsed.secret_id, token=parsed.token, step=parsed.step.value)
    are_kept = bool(world.admins)
    opened = _opened(context, world, parsed.secret_id, parsed.token, parsed.rotation_token)
    try:
        result = run(opened.session, parsed.step)
    except AdminRejected:
        if not are_kept or opened.session.memory.committed:
            raise
        world.admins.clear()  # an earlier invocation read the credential, and it may have been replaced since
        opened = _opened(context, world, parsed.secret_id, parsed.token, parsed.rotation_token)
        result = run(opened.session, parsed.step)
    finally:
        report.note(
            driver=opened.binder.driver,
            vendor_request_id=opened.binder.vendor_request_id,
            ignored_labels=opened.store.ahead or None,
            unheard=opened.announcer.unheard or None,
        )
    report.note(
        outcome=result.outcome,
        evidence=result.evidence.name if result.evidence else None,
        trusted_host_key=result.trusted_host_key,
        binding=result.binding,
    )
    if result.members:
        report.note(members=[each.describe() for each in result.members])


def _watch(event: object, context: LambdaContext, world: World, report: _Report) -> None:
    """List the function's secrets, and note and announce what no step would say; no value is read."""
    from rotation.stores.aws.fleet.fleet_secret import managed  # no step lists
    from rotation.stores.aws.listing import listed

    prefix = str(event.get("prefix", "")) if isinstance(event, Mapping) else ""
    client, now = world.connect(), world.clock.now()
    deployment = Deployment.from_environment(world.environment)
    binder = Binder(
        deployment=deployment,
        fetch=kept(world.admins, partial(read_current, client), world.clock.now),
        clock=world.clock,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    function = getattr(context, "invoked_function_arn", "")
    counts = Counter(secrets=0, overdue=0, needs_human=0, unproved_seconds=0)
    announcer = Announcer.of(binder, lambda: "")
    for secret in managed(listed(client, prefix=prefix), now, function=function):
        counts["secrets"] += 1
        counts["needs_human"] += secret.needs_human
        counts["overdue"] += secret.overdue(now)
        since = secret.sent if secret.reset_sent else None
        counts["unproved_seconds"] = max(counts["unproved_seconds"], 0 if since is None else int(now - since))
        _announce(announcer, secret, client, now)
    report.note(**counts, unheard=announcer.unheard or None)


def _announce(announcer: Announcer, secret: FleetSecret, client: SecretsManagerClient, now: float) -> None:
    """Announce that a secret is overdue, and again what a target has not taken."""
    announcer.secret, announcer.driver = lambda: secret.arn, lambda: secret.driver
    if secret.overdue(now):
        announcer(EventKind.OVERDUE, None, reason=secret.reason, not_before=secret.next_rotation)
    if secret.owed and announcer(EventKind.COMMITTED, secret.owed, evidence=secret.evidence):
        with suppress(StoreError):  # it is announced once more
            AwsSecretsManager(client, secret.arn).unmark(secret.owed, marks.owed())


_ADMINS: dict[str, SecretDocument] = {}
"""Of this runtime."""


class _Report:
    """The fields of an invocation's log line, noted as they become known: a failed step's line shows that much."""

    def __init__(self, request_id: str, clock: Clock, what: str) -> None:
        self._clock, self._what = clock, what
        self._started = clock.now()
        self._began = time.time()
        self._fields: dict[str, object] = {"request_id": request_id, "lockstep_version": __version__}

    def note(self, **fields: object) -> None:
        """Add fields."""
        self._fields |= fields

    def succeeded(self) -> dict[str, object]:
        """Write the line and the metrics of a step that succeeded, and return the fields."""
        self._write(None)
        return self._fields

    def failed(self, error: Exception) -> RotationError:
        """Write the line and the metrics of a step that failed, and return the error that the function raises.

        The text of a foreign error may hold a value, so only its type and where it was raised are shown.
        """
        if isinstance(error, RotationError):
            failure = error.changed()
        else:
            failure = InternalError.of(error, f"inside Lockstep at {_where(error)}")
        self._write(failure)
        return failure

    def _write(self, failure: RotationError | None) -> None:
        self.note(duration_ms=round((self._clock.now() - self._started) * 1000))
        known = {key: value for key, value in self._fields.items() if value is not None}
        records = _records(self._what, known, failure, self._clock.now())
        for say in (partial(_log, self._what, known, failure), partial(_count, records, self._began)):
            try:
                say()
            except Exception as foreign:  # noqa: BLE001 - a wrong POWERTOOLS_* variable or a full disk ends no step
                write_line({**self._fields, "message": f"cannot log: {type(foreign).__name__}"}, sys.stderr)


def _where(foreign: Exception) -> str:
    """Return file and line of the innermost frame, which show where to look and hold no value."""
    frame = traceback.extract_tb(foreign.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"


def _service() -> str:
    """Return the name that tells this function's lines and metrics from those of another stack."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME") or "lockstep"


def _log(what: str, known: Mapping[str, object], failure: RotationError | None) -> None:
    """Write the one log line. The event itself is never logged: it may hold a RotationToken."""
    logger = Logger(service=_service(), log_uncaught_exceptions=False)
    if failure is None:
        logger.info("%s succeeded", what, extra=dict(known))
    else:
        logger.error("%s failed", what, extra={**known, "error": failure.describe()})


@dataclass(frozen=True, slots=True)
class _Record:
    """Metrics with the same dimensions, which are written as one EMF record; ``service`` is always one of them."""

    dimensions: Mapping[str, str]
    metrics: Mapping[str, float]


def _count(records: Iterable[_Record], began: float) -> None:
    """Write the metrics at the time at which the invocation began, as Lambda dates its own: an alarm compares them."""
    for record in records:
        # Not Metrics: all its instances share their records, so what a failed flush left would go out with the next.
        namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "Lockstep"
        emf = EphemeralMetrics(namespace=namespace, service=_service())
        emf.set_timestamp(int(began * 1000))
        for name, value in record.dimensions.items():
            emf.add_dimension(name, value)
        for name, number in record.metrics.items():
            emf.add_metric(name, _UNITS.get(name, MetricUnit.Count), number)
        emf.flush_metrics()


_UNITS = {"StepDuration": MetricUnit.Milliseconds, "CurrentUnproved": MetricUnit.Seconds}


def _records(what: str, known: Mapping[str, object], failure: RotationError | None, now: float) -> Iterator[_Record]:
    """Yield the metrics of an invocation; docs/aws.md says what each means, and template.yaml has alarms on them."""
    yield _Record({}, dict(_of_the_function(known, failure, now)))
    if what == WATCH:
        return
    driver = str(known.get("driver") or "none")
    real = failure is not None and not _waits(failure)
    step = {"driver": driver, "step": str(known.get("step") or "none")}
    yield _Record(step, {"StepFailed": float(real), "StepDuration": float(str(known["duration_ms"]))})
    if failure is None and known.get("outcome") == "promoted":
        evidence = {f"Evidence{str(known['evidence']).title()}": 1.0} if known.get("evidence") else {}
        yield _Record({"driver": driver}, {"RotationCommitted": 1.0, **evidence})
    if isinstance(failure, Parked):
        acts = "needs_human" if parking.needs_human(failure.reason) else "waits"
        yield _Record({"class": acts}, {"RotationParked": 1.0})


def _of_the_function(
    known: Mapping[str, object], failure: RotationError | None, now: float
) -> Iterator[tuple[str, float]]:
    """Yield the metrics without a dimension of their own."""
    yield "StepRaised", float(failure is not None)
    yield "EventsUnheard", float("unheard" in known)
    if failure is not None and failure.dead_since is not None:
        yield "CurrentUnproved", max(0.0, now - failure.dead_since)
    for name, key in _WATCHED.items():
        if key in known:
            yield name, float(str(known[key]))


_WATCHED = {
    "SecretsManaged": "secrets",
    "SecretsOverdue": "overdue",
    "SecretsNeedHuman": "needs_human",
    "CurrentUnproved": "unproved_seconds",
}


def _waits(failure: RotationError) -> bool:
    """Return whether a failure is no reason to look: it passes by itself, or waits for what another metric counts."""
    return isinstance(failure, Parked) or (failure.retryable and not isinstance(failure, InternalError))


_keep_for_good()
