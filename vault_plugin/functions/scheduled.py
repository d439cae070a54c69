"""AWS Lambda entry for a schedule: ``lockstep vault run`` inside a function, by an EventBridge rule or schedule.

The event is EventBridge's own; what to do may stand in its ``detail`` or, for a schedule with a constant input, at its
top: ``{"prefix": "prod/apps"}``. The server and the login are the environment's, as for the command.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotation.core.clock import Clock, SystemClock
from rotation.core.errors import EventError, InternalError, Parked, RotationError
from rotation.deployment.deployment import Deployment
from vault_plugin.job.due_secrets import Fleet
from vault_plugin.job.kv_rotation import Over, Rotated
from vault_plugin.job.login import Login
from vault_plugin.job.mirroring import mirrored
from vault_plugin.job.settings import VaultSettings

if TYPE_CHECKING:
    from rotation.handler import LambdaContext  # imported at run time, it would load what only that function needs

_RESERVE_SECONDS = 10.0
_JOBS = 4


class RotationsFailed(RotationError):
    """At least one secret was not rotated; the log lines say which and why."""

    code = "rotations_failed"
    retryable = True
    default_hint = "Look at the log lines of this request; the next run takes every failed secret up again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything outside; tests bring their own."""

    environment: Mapping[str, str] = field(repr=False)
    clock: Clock
    over: Over
    write: Callable[[str], object]


def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Serve one scheduled invocation.

    Returns:
        How many secrets were due, done, parked, failed and waiting.

    Raises:
        RotationError: nothing could be done, or a rotation failed: then the invocation counts as an error.
    """
    clock = SystemClock()
    return handle(
        event,
        context,
        Surroundings(environment=os.environ, clock=clock, over=mirrored(clock), write=sys.stdout.write),
    )


def handle(event: object, context: LambdaContext, world: Surroundings) -> dict[str, object]:
    """Serve one invocation in given surroundings; see ``lambda_handler``."""
    failure: RotationError | None = None
    try:
        return _run(_prefix(event, world.environment), context, world)
    except RotationError as error:
        failure = error
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError.of(foreign)
    _tell(world, context, {"error": failure.describe()})
    failure.__context__ = failure.__cause__ = None
    raise failure.with_traceback(None)


def _prefix(event: object, environment: Mapping[str, str]) -> str:
    """Return the folder: the event's, else LOCKSTEP_VAULT_PREFIX.

    Raises:
        EventError: the event is none of EventBridge's, or its folder is no text.
    """
    if not isinstance(event, Mapping):
        raise EventError("the event is no JSON object", hint="Compare with events/eventbridge/*.json.")
    detail = event.get("detail")
    wanted = event if "prefix" in event else detail if isinstance(detail, Mapping) else {}
    prefix = wanted.get("prefix", environment.get("LOCKSTEP_VAULT_PREFIX", ""))
    if not isinstance(prefix, str):
        raise EventError("the event's prefix is no text", hint="Compare with events/eventbridge/*.json.")
    return prefix


def _run(prefix: str, context: LambdaContext, world: Surroundings) -> dict[str, object]:
    vault = VaultSettings.from_environment(world.environment)
    deployment = Deployment.from_environment(world.environment)
    with Login(vault, clock=world.clock) as login:
        login.check()
        fleet = Fleet(
            connect=lambda seconds: login.kv(seconds=seconds),
            deployment=deployment,
            clock=world.clock,
            jobs=_JOBS,
            over=world.over,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS,
        )
        plan = fleet.plan(prefix)
        ended = list(_told(fleet.run(plan), context, world))
    parked = sum(isinstance(each.error, Parked) for each in ended)
    failed = sum(each.error is not None for each in ended) - parked
    summary: dict[str, object] = {
        "due": len(ended),
        "done": len(ended) - parked - failed,
        "parked": parked,
        "failed": failed,
        "waiting": plan.waiting,
    }
    _tell(world, context, summary)
    if failed:
        raise RotationsFailed(f"{failed} of {len(ended)} secrets were not rotated")
    return summary


def _told(ended: Iterator[Rotated], context: LambdaContext, world: Surroundings) -> Iterator[Rotated]:
    for each in ended:
        _tell(world, context, each.describe())
        yield each


def _tell(world: Surroundings, context: LambdaContext, fields: Mapping[str, object]) -> None:
    """Write one JSON line; CloudWatch keeps it as it is."""
    world.write(json.dumps({"service": "lockstep", "request_id": context.aws_request_id, **fields}) + "\n")
