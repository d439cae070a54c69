"""The rotation around one event: a sandbox that fits the event, and the steps before it.

For ``setSecret`` of a Huawei account, for example: the sandbox holds one secret of the event's name, Secrets Manager
begins a rotation under the event's token, createSecret runs in this process, and setSecret goes to the runner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rotation.cli.exit_codes import CommandUsageError
from rotation.core.errors import EventError, InternalError
from rotation.core.values import Step
from rotation.stores.aws.rotation_event import RotationEvent
from rotation_testkit.commands.event_runner import EventRunner, Outcome, emulated, in_this_process
from rotation_testkit.sandbox.sandbox import (
    DRIVERS,
    FUNCTION_ACCOUNT,
    HUAWEI,
    REGION,
    Sandbox,
    every_account,
    open_sandbox,
)

_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):([0-9]{12}):secret:(.+?)(?:-[A-Za-z0-9]{6})?")
_FOREIGN_ACCOUNT = "444455556666"


def run_event(  # noqa: PLR0913 - one for each of the command's choices
    event: object,
    path: Path,
    *,
    driver: str | None,
    inside: bool,
    test_only: bool,
    started: Callable[[EventRunner], None],
) -> tuple[EventRunner, Outcome]:
    """Run one event and return its outcome, or that of the earlier step that failed.

    Args:
        event: as the file holds it; a malformed one goes to the function as it is.
        path: the event's file, whose name may name the driver.
        driver: key of the account; by default the one that the secret's name or the path holds.
        inside: run in this process instead of under the emulator.
        test_only: begin a rotation that only tests.
        started: receives the runner before the event runs.

    Raises:
        CommandUsageError: no account fits, or Secrets Manager never sends this step.
    """
    try:
        parsed = RotationEvent.parse(event)
    except EventError:
        parsed = None
    target = _Target(HUAWEI) if parsed is None else _target(path, parsed, driver)
    with open_sandbox(
        holding=(target.key,), names=target.names, account=target.account, region=target.region, retry_delays=()
    ) as sandbox:
        where = nullcontext(in_this_process(sandbox)) if inside else emulated(sandbox)
        with where as runner:
            started(runner)
            if parsed is None or not isinstance(event, dict):
                return runner, runner.run(event)
            rotation = _EventRotation(sandbox, runner, target, event, parsed.step)
            return runner, rotation.run(parsed.token, test_only=test_only)


@dataclass(frozen=True, slots=True)
class _Target:
    """The account that fits an event, and the AWS account, region and name of its secret."""

    key: str
    account: str = FUNCTION_ACCOUNT
    region: str = REGION
    names: dict[str, str] = field(default_factory=dict)

    def function(self, *, foreign: bool) -> str:
        """Return the function's ARN; a function of a foreign account gets a RotationToken."""
        account = _FOREIGN_ACCOUNT if foreign else self.account
        return f"arn:aws:lambda:{self.region}:{account}:function:lockstep-rotation"


def _target(path: Path, parsed: RotationEvent, driver: str | None) -> _Target:
    # tencent_bm/batch before tencent_bm; a folder of events has no slash in its name
    known, text = sorted(every_account(), key=len, reverse=True), f"{parsed.secret_id} {path}"
    key = driver or next((each for each in known if each in text or each.replace("/", "_") in text), None)
    if key not in known:
        raise CommandUsageError("no driver of the sandbox fits the event", hint=f"Add --driver: {', '.join(DRIVERS)}.")
    arn = _ARN.fullmatch(parsed.secret_id)
    region, account, name = arn.groups() if arn else (REGION, FUNCTION_ACCOUNT, parsed.secret_id)
    return _Target(key, account, region, {key: name})


class _EventRanError(Exception):
    """The event has run; the rotation goes no further."""


@dataclass(slots=True)
class _EventRotation:
    """A rotation by Secrets Manager that runs up to the event's step, and passes that step to the runner."""

    sandbox: Sandbox
    runner: EventRunner
    target: _Target
    event: Mapping[str, object]
    step: Step
    outcome: Outcome | None = None

    def run(self, token: str, *, test_only: bool) -> Outcome:
        """Begin the rotation and return the outcome of the event, or of the earlier step that failed."""
        store = self.sandbox.secrets_manager
        arn = self.target.function(foreign="RotationToken" in self.event)
        store.register_function(arn, self._invoked)
        name = self.sandbox.accounts[self.target.key]
        rotation = store.rotate(name, function=arn, rules={}, token=token, immediately=not test_only)
        if self.outcome is not None:
            return self.outcome
        if rotation.failures:
            raise InternalError(f"{type(rotation.failures[0][1]).__name__} while the event's sandbox was made")
        raise CommandUsageError("Secrets Manager never sends this step in such a rotation")

    def _invoked(self, sent: dict[str, object]) -> None:
        if Step.parse(sent["Step"]) is not self.step:
            earlier = in_this_process(self.sandbox).run(sent)
            if earlier.error is not None:
                self.outcome = earlier
                raise _EventRanError
            return
        # The sandbox's own ARN and RotationToken; everything else is the file's.
        own = {key: value for key, value in sent.items() if key in ("SecretId", "RotationToken")}
        self.outcome = self.runner.run(dict(self.event) | own)
        raise _EventRanError
