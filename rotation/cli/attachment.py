"""Enrolment's steps in Secrets Manager: make the secret, and switch its rotation on as a test that resets nothing.

With ``RotateImmediately=false`` Secrets Manager keeps function and schedule, makes an empty version under AWSPENDING,
calls testSecret alone with it, and takes it away again. It says nowhere how that went. The labels show some of it: a
password that the vendor rejected is noted on its version. Everything else is in the function's log.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING, Any

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN
from rotation.cli.output import console, emit, note
from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import Interrupted, SecretNotFound, StoreError
from rotation.core.process import stop
from rotation.state.stages import PENDING
from rotation.stores.aws.failures import asked
from rotation.stores.aws.secrets_manager import AwsSecretsManager

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_MONTHLY = "rate(30 days)"
_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 180.0
"""A function's time-out is two minutes, and its first start takes some seconds."""


class Ended(StrEnum):
    """How the test of an attached rotation ended, as far as the labels show."""

    ALREADY_ATTACHED = "already_attached"
    """The function was the secret's before, and nothing was asked."""
    OTHER_SCHEDULE = "other_schedule"
    """So it is, with another schedule than the one that was asked for, and nothing was changed."""
    TESTED = "tested"
    """The test has ended, and no label says that the password was rejected."""
    REJECTED = "rejected"
    """The vendor rejected the current password."""
    NOT_ENDED = "not_ended"
    """The test has not ended within three minutes, or the command was asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A rotation that is to be attached.

    Attributes:
        function: ARN of the rotation function.
        schedule: as ``RotationRules.ScheduleExpression`` takes it; empty for ``rate(30 days)``, or what is there.
    """

    function: str
    schedule: str

    @property
    def log_group(self) -> str:
        """Where the function logs, unless it was given another group."""
        return f"/aws/lambda/{self.function.split(':')[6] if self.function.count(':') > 5 else self.function}"  # noqa: PLR2004 - the place of the name

    def attach(self, client: SecretsManagerClient, store: AwsSecretsManager, secret_id: str, clock: Clock) -> Ended:
        """Attach the rotation, unless it is, and wait for the test's end.

        Raises:
            StoreError: the service refused it, for example because it may not invoke the function.
        """
        answer = asked(client, secret_id, lambda: client.describe_secret(SecretId=secret_id))
        if answer.get("RotationEnabled") and answer.get("RotationLambdaARN") == self.function:
            return Ended.ALREADY_ATTACHED if self.schedule in ("", _schedule(answer)) else Ended.OTHER_SCHEDULE
        token = str(uuid.uuid4())
        asked(
            client,
            secret_id,
            lambda: client.rotate_secret(
                SecretId=secret_id,
                ClientRequestToken=token,
                RotationLambdaARN=self.function,
                RotationRules={"ScheduleExpression": self.schedule or _MONTHLY},
                RotateImmediately=False,
            ),
        )
        return _waited(store, token, clock)


def _schedule(answer: Any) -> str:  # noqa: ANN401 - the API's answer
    rules = answer.get("RotationRules", {})
    days = rules.get("AutomaticallyAfterDays")
    return str(rules.get("ScheduleExpression") or f"rate({days} day{'' if days == 1 else 's'})")


def _waited(store: AwsSecretsManager, token: str, clock: Clock) -> Ended:
    ends = clock.now() + _PATIENCE_SECONDS
    while not stop.requested():
        try:
            state = store.describe()
        except StoreError as error:
            if not error.retryable:
                raise
        else:
            if state.holder(PENDING) != token:
                current = state.version(state.current_id or "")
                return Ended.REJECTED if current.learnt.get(current.id[-8:]) == "rejected" else Ended.TESTED
        if clock.now() >= ends:
            break
        stop.pause(clock, _LOOK_SECONDS)
    return Ended.NOT_ENDED


def exists(client: SecretsManagerClient, secret_id: str) -> bool:
    """Return whether the secret is there, and say so."""
    try:
        asked(client, secret_id, lambda: client.describe_secret(SecretId=secret_id))
    except SecretNotFound:
        return False
    note("the secret exists, so it is not made")
    return True


def create(client: SecretsManagerClient, secret_id: str, document: SecretDocument, kms_key: str) -> None:
    """Make the secret with its first value.

    Raises:
        StoreError: it is refused. Whether one was made shows when the command is run again.
    """
    key = {"KmsKeyId": kms_key} if kms_key else {}
    token = str(uuid.uuid4())
    with stop.work():
        asked(
            client,
            secret_id,
            lambda: client.create_secret(
                Name=secret_id,
                SecretString=document.dump().reveal(),
                ClientRequestToken=token,
                **key,  # type: ignore[arg-type]  # the stubs' keys are literal
            ),
        )
    note("the secret is made")


def go_on(secret_id: str, where: str) -> None:
    """Raise if the command was asked to stop, and say where it stands."""
    if stop.requested():
        raise Interrupted(
            f"stopped: {where}", hint=f"`lockstep enroll {quote(secret_id)}` with the same options continues."
        )


def attach(client: SecretsManagerClient, secret_id: str, attachment: Attachment, *, as_json: bool) -> int:
    """Switch rotation on, show how its test ended, and return the exit code."""
    clock = SystemClock()
    store = AwsSecretsManager(client, secret_id)
    if not as_json:
        note("switching rotation on, and waiting for the test of the function")
    with stop.work():
        ended = attachment.attach(client, store, secret_id, clock)
    code, sentence = _ENDS[ended]
    if as_json:
        fields = {"function": attachment.function, "log_group": attachment.log_group}
        if ended not in (Ended.ALREADY_ATTACHED, Ended.OTHER_SCHEDULE):
            fields["schedule"] = attachment.schedule or _MONTHLY
        emit({"event": "rotation", "secret_id": secret_id, "outcome": ended.value, **fields})
    else:
        console().print(f"rotation: {sentence}; the function logs to {attachment.log_group}")
    go_on(secret_id, "rotation is switched on, and its test may still run")
    return code


_ENDS = {
    Ended.ALREADY_ATTACHED: (DONE, "was switched on before, by this function"),
    Ended.OTHER_SCHEDULE: (
        NEEDS_HUMAN,
        "was switched on before, by this function, with another schedule, which was not changed",
    ),
    Ended.TESTED: (DONE, "is switched on; the test has ended, and the vendor rejected no password"),
    Ended.REJECTED: (NEEDS_HUMAN, "is switched on, and the test found that the vendor rejects the password"),
    Ended.NOT_ENDED: (FAILED, "is switched on; the test has not ended, so look at its log"),
}
