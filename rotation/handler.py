"""AWS Lambda entry point: parse the event, open a session, run one step, write one log line and one metric record.

A rotation function reports a failed step by raising an exception. Only Lockstep's own errors are raised; they contain
no secret value.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from rotation.core.clock import Clock, StoreClock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import InternalError, RotationError, Withheld
from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import write_line
from rotation.deployment import sources
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.deployment.keys.candidate_seal import require_seal, seal_for
from rotation.deployment.open_session import open_session
from rotation.engine.run import run
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.deadline import within
from rotation.stores.aws.rotation_event import RotationEvent
from rotation.stores.aws.secrets_manager import AwsSecretsManager, read_current

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


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


@lru_cache(maxsize=1)
def _client() -> SecretsManagerClient:
    """Return the client, made once per runtime."""
    return secrets_manager()


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
    report = _Report(context.aws_request_id, world.clock)
    with Withheld(Exception, by=report.failed), within(lambda: context.get_remaining_time_in_millis() / 1000):
        try:
            _run(event, context, world, report)
        except Exception:
            world.admins.clear()  # The vendor may have refused one that has been replaced since.
            sources.forget()  # The operator may have changed the configuration since.
            raise
    return report.succeeded()


def _run(event: object, context: LambdaContext, world: World, report: _Report) -> None:
    parsed = RotationEvent.parse(event)
    report.note(secret_id=parsed.secret_id, token=parsed.token, step=parsed.step.value)
    client = world.connect()
    deployment, fetch = Deployment.from_environment(world.environment), partial(_kept, world.admins, client)
    require_seal(deployment)
    clock = StoreClock(world.clock)
    binder = Binder(
        deployment=deployment,
        fetch=fetch,
        clock=clock,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    seal = seal_for(deployment, fetch)
    store = AwsSecretsManager(client, parsed.secret_id, rotation_token=parsed.rotation_token, seal=seal, clock=clock)
    announcer = Announcer.of(binder, lambda: store.name)
    session = open_session(store, binder, token=parsed.token, announce=announcer)
    try:
        result = run(session, parsed.step)
    finally:
        report.note(
            driver=binder.driver,
            vendor_request_id=binder.vendor_request_id,
            ignored_labels=store.ahead or None,
            unheard=announcer.unheard or None,
        )
    report.note(
        outcome=result.outcome,
        evidence=result.evidence.name if result.evidence else None,
        trusted_host_key=result.trusted_host_key,
        binding=result.binding,
    )
    if result.members:
        report.note(members=[each.describe() for each in result.members])


def _kept(admins: dict[str, SecretDocument], client: SecretsManagerClient, name: str) -> SecretDocument:
    """Return the document of an admin credential or of the seal's key; it is read once while invocations end well."""
    if name not in admins:
        admins[name] = read_current(client, name)
    return admins[name]


_ADMINS: dict[str, SecretDocument] = {}
"""Of this runtime."""


class _Report:
    """The fields of an invocation's log line, noted as they become known: a failed step's line shows that much."""

    def __init__(self, request_id: str, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self._fields: dict[str, object] = {"request_id": request_id}

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
        for say in (_log, _count):
            try:
                say(self._fields, failure)
            except Exception as foreign:  # noqa: BLE001 - a wrong POWERTOOLS_* variable or a full disk ends no step
                write_line({**self._fields, "message": f"cannot log: {type(foreign).__name__}"}, sys.stderr)


def _where(foreign: Exception) -> str:
    """Return file and line of the innermost frame, which show where to look and hold no value."""
    frame = traceback.extract_tb(foreign.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"


def _log(fields: Mapping[str, object], failure: RotationError | None) -> None:
    """Write the one log line. The event itself is never logged: it may hold a RotationToken."""
    logger = Logger(service="lockstep", log_uncaught_exceptions=False)
    known = {key: value for key, value in fields.items() if value is not None}
    if failure is None:
        logger.info("step succeeded", extra=known)
    else:
        logger.error("step failed", extra=known | {"error": failure.describe()})


def _count(fields: Mapping[str, object], failure: RotationError | None) -> None:
    """Write the metrics, as one EMF record."""
    # Not Metrics: all its instances share their records, so what a failed flush left would go out with the next one.
    metrics = EphemeralMetrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "Lockstep", service="lockstep"
    )
    metrics.add_dimension("driver", str(fields.get("driver") or "none"))
    metrics.add_dimension("step", str(fields.get("step") or "none"))
    metrics.add_metric("StepFailed", MetricUnit.Count, 0 if failure is None else 1)
    metrics.add_metric("StepDuration", MetricUnit.Milliseconds, float(str(fields["duration_ms"])))
    if fields.get("evidence"):
        metrics.add_metric(f"Evidence{str(fields['evidence']).title()}", MetricUnit.Count, 1)
    metrics.flush_metrics()
