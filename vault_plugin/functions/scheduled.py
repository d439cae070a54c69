"""AWS Lambda entry that runs ``lockstep vault run`` by an EventBridge rule or schedule.

The folder is in the event's ``detail``, or at the top of the constant input of a schedule: ``{"prefix":
"prod/apps"}``. The environment names the server and the login, as for the command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from rotation.core.clock import Clock, StoreClock, SystemClock
from rotation.core.errors import EventError, Parked, RotationError
from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import write_line
from rotation.deployment.deployment import Deployment, configured
from rotation.deployment.kv_job import KvJob
from vault_plugin.functions import failures_logged
from vault_plugin.job.due_secrets import DueSecretsJob
from vault_plugin.job.kv_rotation import Rotated, WrapStore
from vault_plugin.job.login import Login
from vault_plugin.job.mirroring import with_mirror
from vault_plugin.job.settings import VaultSettings

if TYPE_CHECKING:
    from rotation.handler import LambdaContext

_RESERVE_SECONDS = 10.0


class RotationsFailed(RotationError):
    """At least one secret was not rotated; the log lines say which and why."""

    code = "rotations_failed"
    retryable = True
    default_hint = "Look at the log lines of this request; the next run tries every failed secret again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The environment, the clock and the log; tests pass their own."""

    environment: Mapping[str, str] = field(repr=False)
    clock: Clock
    wrap_store: WrapStore | None
    log: TextIO


def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Serve one scheduled invocation; return how many secrets were due, done, parked, failed and waiting.

    Raises:
        RotationError: the run or a rotation failed; then the invocation counts as an error.
    """
    clock = StoreClock(SystemClock())
    surroundings = Surroundings(environment=os.environ, clock=clock, wrap_store=with_mirror(), log=sys.stdout)
    return handle(event, context, surroundings)


def handle(event: object, context: LambdaContext, surroundings: Surroundings) -> dict[str, object]:
    """Serve one invocation in given surroundings; see ``lambda_handler``."""
    silence_libraries()

    def write(fields: Mapping[str, object]) -> None:
        line = {"service": "lockstep", "request_id": context.aws_request_id, **fields}
        write_line(line, surroundings.log, sys.stderr)

    with failures_logged(write):
        return _run(_prefix(event, surroundings.environment), context, surroundings, write)


def _prefix(event: object, environment: Mapping[str, str]) -> str:
    """Return the folder: the event's, or else LOCKSTEP_VAULT_PREFIX."""
    if not isinstance(event, Mapping):
        raise EventError("the event is not a JSON object", hint="Compare with events/eventbridge/*.json.")
    detail = event.get("detail")
    holder = event if "prefix" in event else detail if isinstance(detail, Mapping) else {}
    prefix = holder["prefix"] if "prefix" in holder else KvJob.of(configured(environment)).prefix
    if not isinstance(prefix, str):
        raise EventError("the event's prefix is not a string", hint="Compare with events/eventbridge/*.json.")
    return prefix


def _run(
    prefix: str, context: LambdaContext, surroundings: Surroundings, write: Callable[[Mapping[str, object]], None]
) -> dict[str, object]:
    def shown(ended: Iterator[Rotated]) -> Iterator[Rotated]:
        for each in ended:
            write(each.describe())
            yield each

    vault = VaultSettings.from_environment(surroundings.environment)
    deployment = Deployment.from_environment(surroundings.environment)
    with Login(vault, clock=surroundings.clock) as login:
        login.check()
        job = DueSecretsJob(
            connect=lambda seconds: login.kv(seconds=seconds),
            deployment=deployment,
            clock=surroundings.clock,
            wrap_store=surroundings.wrap_store,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS,
        )
        plan = job.plan(prefix)
        ended = list(shown(job.run(plan)))
    parked = sum(isinstance(each.error, Parked) for each in ended)
    failed = sum(each.error is not None for each in ended) - parked
    summary: dict[str, object] = {
        "due": len(ended),
        "done": len(ended) - parked - failed,
        "parked": parked,
        "failed": failed,
        "waiting": plan.waiting,
    }
    write(summary)
    if failed:
        raise RotationsFailed(f"{failed} of {len(ended)} secrets were not rotated")
    return summary
