"""Rotations as the service runs them: four invocations, and all of them again when one fails."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager.calls import Event
from rotation_testkit.doubles.secretsmanager.protocol.errors import denied, invalid_parameter, invalid_request
from rotation_testkit.doubles.secretsmanager.rotations.schedule import check, due_after
from rotation_testkit.doubles.secretsmanager.state import (
    CURRENT,
    PENDING,
    Answer,
    Params,
    Schedule,
    SecretRecord,
    ServiceState,
    Version,
)

Function = Callable[[dict[str, object]], None]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class RotationState(StrEnum):
    """The state of a rotation."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Rotation:
    """One rotation of one secret.

    Attributes:
        secret: ARN.
        token: the id of the version that it makes.
        steps: what each attempt runs; only ``testSecret`` when not rotating immediately.
        attempts: how often its steps were begun.
        failures: (step, exception) of every failed attempt. An exception may hold a value of the function.
    """

    secret: str
    token: str
    steps: tuple[str, ...] = STEPS
    state: RotationState = RotationState.RUNNING
    attempts: int = 0
    failures: list[tuple[str, BaseException]] = field(default_factory=list, repr=False)
    done: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def only_tests(self) -> bool:
        """Whether this is the test run that ``RotateImmediately=false`` makes."""
        return self.steps != STEPS


class Rotator:
    """Starts and runs rotations.

    Args:
        state: secrets and labels.
        sleep: called between attempts.
        retry_delays: seconds before the second, third, ... attempt. AWS publishes neither number nor spacing.
        removes_pending: whether the service takes AWSPENDING off the new current version after success. AWS's user
            guide says so; recordings of 2024-03 and issue 168 of its rotation functions show that the label stays.
    """

    def __init__(
        self,
        state: ServiceState,
        *,
        sleep: Callable[[float], None],
        retry_delays: tuple[float, ...],
        removes_pending: bool,
    ) -> None:
        self._state = state
        self._sleep = sleep
        self.retry_delays = retry_delays
        self.removes_pending = removes_pending
        self.functions: dict[str, tuple[Function, bool]] = {}
        self.rotations: list[Rotation] = []
        self.events: list[Event] = []

    def begin(self, params: Params) -> tuple[Rotation, bool]:
        """Check a ``RotateSecret`` request, store the configuration and make the empty pending version.

        Returns:
            The rotation, and whether it is new: a client's retry gets the running rotation. (AWS does not document this
            idempotence; it is what the token is for.)

        Raises:
            ServiceError: refused; nothing has changed.
        """
        state = self._state
        token = params.get("ClientRequestToken")
        if token is None:
            raise invalid_parameter("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
        secret = state.find(params["SecretId"])
        running = self.latest(secret.arn)
        if running is not None and running.token == token and running.state is RotationState.RUNNING:
            return running, False
        schedule = self._schedule(secret, params)
        if secret.labels.get(PENDING) not in (None, secret.labels.get(CURRENT)):
            raise invalid_request("A previous rotation isn't complete. That rotation will be reattempted.")
        if token in secret.versions:
            raise invalid_request("The ClientRequestToken is already the id of a version of this secret.")
        secret.relabel(secret.moved(PENDING, token, secret.labels))
        secret.versions[token] = Version(token, state.clock())
        secret.schedule = schedule
        secret.changed = state.clock()
        immediately = params.get("RotateImmediately", True)
        return self._start(Rotation(secret.arn, token, STEPS if immediately else ("testSecret",))), True

    def _schedule(self, secret: SecretRecord, params: Params) -> Schedule:
        old = secret.schedule
        arn = params.get("RotationLambdaARN") or (old.function if old else None)
        rules = params.get("RotationRules")
        if rules is not None:
            check(rules)
        if not arn:
            raise invalid_request(
                "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured "
                "and you didn't include such an ARN as a parameter in this call."
            )
        if arn not in self.functions:
            raise denied(
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                "access to the principal secretsmanager.amazonaws.com."
            )
        new = Schedule(arn, dict(rules) if rules is not None else (dict(old.rules) if old else {}))
        new.last = old.last if old else None
        kept = old is not None and old.enabled and rules is None
        new.next = old.next if old and kept else due_after(new.rules, self._state.clock())
        return new

    def resume(self, secret: SecretRecord, token: str) -> Rotation:
        """Reattempt a failed rotation under its own token."""
        return self._start(Rotation(secret.arn, token))

    def _start(self, rotation: Rotation) -> Rotation:
        _function, needs_token = self._function_of(rotation)
        if needs_token:
            self._state.rotation_tokens.setdefault((rotation.secret, rotation.token), Secret(str(uuid.uuid4())))
        self.rotations.append(rotation)
        self._report(rotation, "Started")
        return rotation

    def run(self, rotation: Rotation) -> None:
        """Run a rotation to its end."""
        delays = () if rotation.only_tests else self.retry_delays
        try:
            for delay in (None, *delays):
                if delay is not None:
                    self._sleep(delay)
                if rotation.state is not RotationState.RUNNING:
                    return
                rotation.attempts += 1
                if self._attempt(rotation):
                    self._end(rotation, RotationState.SUCCEEDED)
                    return
            self._end(rotation, RotationState.FAILED)
        finally:
            if rotation.only_tests:
                self._discard(rotation)
            rotation.done.set()

    def _attempt(self, rotation: Rotation) -> bool:
        for step in rotation.steps:
            if rotation.state is not RotationState.RUNNING:
                return False
            try:
                self._invoke(rotation, step)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - anything that ends a function early is a failed step
                rotation.failures.append((step, error))
                return False
        return rotation.only_tests or self._is_complete(rotation)

    def _invoke(self, rotation: Rotation, step: str) -> None:
        function, _needs_token = self._function_of(rotation)
        event: dict[str, object] = {
            "Step": step,
            "SecretId": rotation.secret,
            "ClientRequestToken": rotation.token,
        }
        token = self._state.rotation_tokens.get((rotation.secret, rotation.token))
        if token is not None:
            event["RotationToken"] = token.reveal()
        function(event)

    def _function_of(self, rotation: Rotation) -> tuple[Function, bool]:
        with self._state.lock:
            schedule = self._state.find(rotation.secret).schedule
            if schedule is None:
                raise LookupError("the secret has no rotation function")
            return self.functions[schedule.function]

    def _is_complete(self, rotation: Rotation) -> bool:
        with self._state.lock:
            secret = self._state.named(rotation.secret)
            complete = secret is not None and secret.labels.get(PENDING) in (None, secret.labels.get(CURRENT))
        if not complete:
            rotation.failures.append(("finishSecret", RuntimeError("AWSPENDING is still on a version of its own")))
        return complete

    def _end(self, rotation: Rotation, state: RotationState) -> None:
        with self._state.lock:
            if rotation.state is not RotationState.RUNNING:
                return
            rotation.state = state
            self._report(rotation, "Succeeded" if state is RotationState.SUCCEEDED else "Failed")
            secret = self._state.named(rotation.secret)
            if secret is not None and state is RotationState.SUCCEEDED and not rotation.only_tests:
                self._settle(secret, rotation.token)

    def _discard(self, rotation: Rotation) -> None:
        with self._state.lock:
            self._state.rotation_tokens.pop((rotation.secret, rotation.token), None)
            secret = self._state.named(rotation.secret)
            if secret is not None:
                secret.relabel({label: at for label, at in secret.labels.items() if at != rotation.token})
                secret.versions.pop(rotation.token, None)

    def _settle(self, secret: SecretRecord, token: str) -> None:
        now = self._state.clock()
        self._state.rotation_tokens.pop((secret.arn, token), None)
        if self.removes_pending and secret.labels.get(PENDING) == token:
            secret.relabel({label: holder for label, holder in secret.labels.items() if label != PENDING})
        if secret.schedule is not None:
            secret.schedule.last = now
            secret.schedule.next = due_after(secret.schedule.rules, now)

    def cancel(self, params: Params) -> Answer:
        """Switch rotation off and start no further step (``CancelRotateSecret``); labels stay where they are."""
        secret = self._state.find(params["SecretId"])
        if secret.schedule is None:
            raise invalid_request("Rotation was never turned on for this secret.")
        secret.schedule.enabled = False
        answer: Answer = {"ARN": secret.arn, "Name": secret.name}
        rotation = self.latest(secret.arn)
        if rotation is None or rotation.state is not RotationState.RUNNING:
            return answer
        rotation.state = RotationState.CANCELLED
        return {**answer, "VersionId": rotation.token}

    def abandon(self, secret: SecretRecord, token: str) -> None:
        """Record that a version made by hand took AWSPENDING from an incomplete rotation."""
        rotation = self.latest(secret.arn) or Rotation(secret.arn, token)
        if rotation.token != token:
            rotation = Rotation(secret.arn, token)
        rotation.state = RotationState.ABANDONED
        self._report(rotation, "Abandoned")

    def latest(self, arn: str) -> Rotation | None:
        """Return the latest rotation of a secret."""
        return next((one for one in reversed(self.rotations) if one.secret == arn), None)

    def _report(self, rotation: Rotation, what: str) -> None:
        name = f"{'Test' if rotation.only_tests else ''}Rotation{what}"
        self.events.append(Event(name, rotation.secret, rotation.token, self._state.clock()))
