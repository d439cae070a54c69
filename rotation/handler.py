"""AWS Lambda entry: parse the event, wire, run one step, write one structured line and one metric record.

A raised exception is how a rotation function says "step failed". Only Lockstep's own errors leave; they hold no value.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import InternalError, RotationError
from rotation.core.event import RotationEvent
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.stores.aws.client import secrets_manager
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
    """Everything outside: the client, the environment and the clock. Tests and the CLI bring their own."""

    client: SecretsManagerClient
    environment: Mapping[str, str] = field(repr=False)  # it holds the role's AWS keys
    clock: Clock


_TALKATIVE = frozenset({"boto3", "botocore", "paramiko", "pypsrp", "requests", "spnego", "urllib3"})


def _silence_libraries() -> None:
    """Keep the libraries' own log lines out of the log, whatever level the root logger or the operator sets.

    At DEBUG botocore writes every request and answer down, SecretString and RotationToken included; urllib3 quotes
    the unparsed rest of a malformed answer in a warning, and spnego NTLM's answer to the challenge at DEBUG, from which
    a password can be guessed at leisure (read 2026-11). What they have to say, our errors say.
    """
    for name in _TALKATIVE:
        if logging.getLogger(name).level != logging.CRITICAL:  # setting a level anew empties every logger's cache
            logging.getLogger(name).setLevel(logging.CRITICAL)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        below = name not in _TALKATIVE and name.partition(".")[0] in _TALKATIVE
        if below and isinstance(logger, logging.Logger) and logger.level:
            logger.setLevel(logging.NOTSET)


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
    clock = SystemClock()
    return _serve(event, context, clock, lambda: World(client=_client(), environment=os.environ, clock=clock))


def handle(event: object, context: LambdaContext, world: World) -> dict[str, object]:
    """Serve one invocation in a given world; see ``lambda_handler``."""
    return _serve(event, context, world.clock, lambda: world)


def _serve(event: object, context: LambdaContext, clock: Clock, found: Callable[[], World]) -> dict[str, object]:
    _silence_libraries()
    started = clock.now()
    report: dict[str, object] = {"request_id": context.aws_request_id}
    failure: RotationError | None = None
    try:
        report |= _run(event, lambda: context.get_remaining_time_in_millis() / 1000, found, report)
    except RotationError as error:
        failure = error
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError.of(foreign, f"inside Lockstep at {_where(foreign)}")
    report["duration_ms"] = round((clock.now() - started) * 1000)
    try:
        _tell(report, failure)
    except Exception as foreign:  # noqa: BLE001 - a wrong POWERTOOLS_* variable must not undo a step that is done
        sys.stderr.write(json.dumps({**report, "message": f"cannot log: {type(foreign).__name__}"}) + "\n")
    if failure is not None:
        failure.__context__ = failure.__cause__ = None
        raise failure.with_traceback(None)
    return report


def _where(foreign: Exception) -> str:
    """Return file and line of the innermost frame, which tell where to look and hold no value."""
    frame = traceback.extract_tb(foreign.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"


def _run(
    event: object, time_left: Callable[[], float], found: Callable[[], World], report: dict[str, object]
) -> dict[str, object]:
    parsed = RotationEvent.parse(event)
    report |= {"secret_id": parsed.secret_id, "token": parsed.token, "step": parsed.step.value}
    world = found()
    deployment = Deployment.from_environment(world.environment)

    def fetch(name: str) -> SecretDocument:
        return read_current(world.client, name)

    binder = Binder(deployment=deployment, fetch=fetch, clock=world.clock, time_left=time_left)
    store = AwsSecretsManager(world.client, parsed.secret_id, clock=world.clock, rotation_token=parsed.rotation_token)
    session = Session(
        store=store,
        token=parsed.token,
        bind=binder,
        clock=world.clock,
        time_left=time_left,
        holder=os.urandom(8).hex(),
    )
    try:
        result = run(session, parsed.step)
    finally:
        report |= {"driver": binder.driver, "vendor_request_id": binder.vendor_request_id}
    return _fields(result)


def _fields(result: Result) -> dict[str, object]:
    evidence = result.evidence.name if result.evidence else None
    members = [each.describe() for each in result.members]
    told = {"outcome": result.outcome, "evidence": evidence, "trusted_host_key": result.trusted_host_key}
    return told | ({"members": members} if members else {})


def _tell(report: Mapping[str, object], failure: RotationError | None) -> None:
    """Write the one log line and the EMF record. The event itself is never logged: it may hold a RotationToken."""
    logger = Logger(service="lockstep", log_uncaught_exceptions=False)
    fields = {key: value for key, value in report.items() if value is not None}
    if failure is None:
        logger.info("step succeeded", extra=fields)
    else:
        logger.error("step failed", extra=fields | {"error": failure.describe()})
    # Not Metrics: its records are shared by all instances, and what one failed flush left goes out with the next.
    metrics = EphemeralMetrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "Lockstep", service="lockstep"
    )
    metrics.add_dimension("driver", str(report.get("driver") or "none"))
    metrics.add_dimension("step", str(report.get("step") or "none"))
    metrics.add_metric("StepFailed", MetricUnit.Count, 0 if failure is None else 1)
    metrics.add_metric("StepDuration", MetricUnit.Milliseconds, float(str(report["duration_ms"])))
    if report.get("evidence"):
        metrics.add_metric(f"Evidence{str(report['evidence']).title()}", MetricUnit.Count, 1)
    metrics.flush_metrics()
