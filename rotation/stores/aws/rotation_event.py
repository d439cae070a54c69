"""The event that Secrets Manager sends for each step of a rotation, and the one of the fleet's drift check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.errors import EventError
from rotation.core.secret import Secret
from rotation.core.values import Step

CHECK = "Verify"
"""The only key of the event that asks whether a secret's current password works; its value is the secret's ARN."""


@dataclass(frozen=True, slots=True)
class RotationEvent:
    """One invocation by Secrets Manager. ``rotation_token`` is sensitive; it is passed through and never logged."""

    step: Step
    secret_id: str
    token: str
    rotation_token: Secret | None = None

    @classmethod
    def parse(cls, event: object) -> RotationEvent:
        """Return the event after checking its keys.

        Raises:
            EventError: a key is missing or malformed; the message names it and never quotes its value.
        """
        if not isinstance(event, Mapping):
            raise EventError("the event is not an object")
        step = Step.parse(event.get("Step"))
        secret_id = _secret_id(event, "SecretId")
        token = event.get("ClientRequestToken")
        # 32-64 characters by the Secrets Manager API model (2017-10-17).
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]{32,64}", token):
            raise EventError("the event's ClientRequestToken must have 32 to 64 printable characters")
        rotation_token = event.get("RotationToken")
        if rotation_token is None:
            return cls(step, secret_id, token)
        # 36-256 characters by the same model: PutSecretValue refuses any other without naming it.
        if not isinstance(rotation_token, str) or not re.fullmatch(r"[!-~]{36,256}", rotation_token):
            raise EventError("the event's RotationToken must have 36 to 256 printable characters")
        return cls(step, secret_id, token, Secret(rotation_token))


def checked_id(event: Mapping[str, object]) -> str:
    """Return the secret that an event with ``CHECK`` asks about.

    Raises:
        EventError: it is malformed, or has other keys.
    """
    if set(event) != {CHECK}:
        raise EventError(f"an event with {CHECK} has no other key")
    return _secret_id(event, CHECK)


def _secret_id(event: Mapping[str, object], key: str) -> str:
    secret_id = event.get(key)
    if not isinstance(secret_id, str) or not re.fullmatch(r"[ -~]{1,2048}", secret_id):
        raise EventError(f"the event's {key} is missing or malformed")
    return secret_id
