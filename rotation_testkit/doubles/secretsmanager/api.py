"""One API call, from parameters to answer: checks, faults, hooks, effect, log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rotation_testkit.doubles.secretsmanager.calls import Call, Move, moves
from rotation_testkit.doubles.secretsmanager.faults import Faults
from rotation_testkit.doubles.secretsmanager.operations.reads import (
    describe,
    describe_secret,
    get_secret_value,
    list_secret_version_ids,
    list_secrets,
)
from rotation_testkit.doubles.secretsmanager.operations.stages import update_secret_version_stage
from rotation_testkit.doubles.secretsmanager.operations.values import get_random_password
from rotation_testkit.doubles.secretsmanager.operations.writes import (
    create_secret,
    delete_secret,
    put_secret_value,
    restore_secret,
    tag_resource,
    untag_resource,
    update_secret,
)
from rotation_testkit.doubles.secretsmanager.protocol.errors import ConnectionDropped, ServiceError
from rotation_testkit.doubles.secretsmanager.protocol.validation import Model
from rotation_testkit.doubles.secretsmanager.rotations.rotator import Rotation, Rotator
from rotation_testkit.doubles.secretsmanager.state import CURRENT, PENDING, Answer, Params, SecretRecord, ServiceState

_OPERATIONS: dict[str, Callable[[ServiceState, Params], Answer]] = {
    "CreateSecret": create_secret,
    "DeleteSecret": delete_secret,
    "DescribeSecret": describe_secret,
    "GetRandomPassword": get_random_password,
    "GetSecretValue": get_secret_value,
    "ListSecretVersionIds": list_secret_version_ids,
    "ListSecrets": list_secrets,
    "PutSecretValue": put_secret_value,
    "RestoreSecret": restore_secret,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateSecret": update_secret,
    "UpdateSecretVersionStage": update_secret_version_stage,
}
_MAKES_VERSIONS = {"PutSecretValue", "UpdateSecret"}


class Api:
    """The operations, with their checks, faults, hooks and log.

    Args:
        start: runs a new rotation beside the call that started it.
    """

    def __init__(
        self, state: ServiceState, rotator: Rotator, faults: Faults, model: Model, start: Callable[[Rotation], None]
    ) -> None:
        self._state = state
        self._rotator = rotator
        self._faults = faults
        self._model = model
        self._start = start
        self._operations: dict[str, Callable[[Params], Answer]] = {
            name: partial(function, state) for name, function in _OPERATIONS.items()
        }
        self._operations |= {"RotateSecret": self._rotate_secret, "CancelRotateSecret": rotator.cancel}
        self.calls: list[Call] = []

    def perform(self, operation: str, params: object) -> Answer:
        """Run one operation.

        Raises:
            ServiceError: refused, or a fault said so.
            ConnectionDropped: a fault took the answer.
        """
        call = self._call(operation, params if isinstance(params, dict) else {})
        try:
            checked = self._model.check(operation, params)
            fault = self._faults.take(call)
            if fault is not None and not fault.applied:
                raise fault.error
            self._faults.run_before(call)
            answer, moved = self._apply(operation, checked)
        except (ServiceError, ConnectionDropped) as error:
            self.calls.append(replace(call, outcome=_outcome(error)))
            raise
        lost = None if fault is None else fault.error
        call = replace(call, moves=moved, applied=True, outcome=_outcome(lost))
        self.calls.append(call)
        self._faults.run_after(call)
        if lost is not None:
            raise lost
        return answer

    def _call(self, operation: str, params: Params) -> Call:
        with self._state.lock:
            named = params.get("SecretId", params.get("Name"))
            secret = self._state.named(named) if isinstance(named, str) else None
            versions = (params.get(key) for key in ("ClientRequestToken", "VersionId", "MoveToVersionId"))
            stages = params.get("VersionStages", params.get("VersionStage", ()))
            return Call(
                operation=operation,
                secret=named if secret is None else secret.name,
                version=next((one for one in versions if one is not None), None),
                stages=(stages,) if isinstance(stages, str) else tuple(stages),
                time=self._state.clock(),
            )

    def _apply(self, operation: str, params: Params) -> tuple[Answer, tuple[Move, ...]]:
        function = self._operations.get(operation)
        if function is None:
            raise ServiceError("NotImplemented", f"this double has no {operation}", status=501)
        with self._state.lock:
            secret = self._state.named(params["SecretId"]) if "SecretId" in params else None
            if secret is None:
                return function(params), ()
            labels, view = secret.labels, describe(secret)
            answer = function(params)
            self._after(operation, secret, labels, view)
            return answer, moves(labels, secret.labels)

    def _after(self, operation: str, secret: SecretRecord, labels: dict[str, str], view: Answer) -> None:
        if self._state.lag_describe and describe(secret) != view and operation != "GetSecretValue":
            secret.stale_view, secret.stale_reads = view, self._state.lag_describe
        pending = labels.get(PENDING)
        lost = pending is not None and secret.labels.get(PENDING) != pending and labels.get(CURRENT) != pending
        if lost and operation in _MAKES_VERSIONS:
            self._rotator.abandon(secret, str(pending))

    def _rotate_secret(self, params: Params) -> Answer:
        rotation, is_new = self._rotator.begin(params)
        if is_new:
            self._start(rotation)
        secret = self._state.find(rotation.secret)
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": rotation.token}


def _outcome(error: Exception | None) -> str:
    if error is None:
        return "ok"
    return error.code if isinstance(error, ServiceError) else "dropped"
