"""``Backend`` of AWS Secrets Manager: the shipped adapter over the strict double, called in process, not over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from rotation.core.clock import StoreClock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.store import Store
from rotation.state.versions import SecretState, Version
from rotation.stores.aws.seal import Seal, SealKeys
from rotation.stores.aws.secrets_manager import BINDING_TAG, AwsSecretsManager
from rotation_testkit.doubles.secretsmanager.operations.reads import describe_secret, get_secret_value
from rotation_testkit.doubles.secretsmanager.operations.stages import update_secret_version_stage
from rotation_testkit.doubles.secretsmanager.operations.writes import create_secret, put_secret_value
from rotation_testkit.doubles.secretsmanager.protocol.errors import ServiceError
from rotation_testkit.doubles.secretsmanager.protocol.validation import Model
from rotation_testkit.doubles.secretsmanager.rotations.rotator import Rotator
from rotation_testkit.doubles.secretsmanager.state import Answer, Params, SecretRecord, ServiceState, StoredValue
from rotation_testkit.doubles.secretsmanager.state import Version as Held
from rotation_testkit.fault_lab.in_memory.bind import memory_binding
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Effect, Kind, Passage, Port
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Saved
from rotation_testkit.fault_lab.matrix.worlds.backends import CURRENT_ID, DOCUMENT, Backend, date_header

_NAME = "matrix"
_SEAL = Seal(lambda: SealKeys(key=Secret("matrix-0123456789abcdef0123456789abcdef")))
_FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:matrix"
# Without the call log, the hooks and the faults that ``Api`` has around them.
_OPERATIONS: Mapping[str, tuple[Port, Callable[[ServiceState, Params], Answer]]] = MappingProxyType(
    {
        "CreateSecret": (Port.PUT, create_secret),
        "DescribeSecret": (Port.READ, describe_secret),
        "GetSecretValue": (Port.READ, get_secret_value),
        "PutSecretValue": (Port.PUT, put_secret_value),
        "UpdateSecretVersionStage": (Port.LABEL, update_secret_version_stage),
    }
)


_MODEL = Model()


class AwsBackend(Backend):
    """``Backend``."""

    def __init__(self, clock: VirtualClock, document: SecretDocument = DOCUMENT) -> None:
        self._clock = clock
        self._world = ServiceState(clock=clock.now, region="eu-central-1", account="111122223333")
        rotator = Rotator(self._world, sleep=clock.sleep, retry_delays=(), removes_pending=False)
        rotator.functions[_FUNCTION] = (lambda _event: None, False)
        # The rotator starts rotations and runs none: the matrix invokes the steps itself.
        self._rotator = rotator
        self._saved: Saved | None = None
        text = document.dump().reveal()
        tags = [{"Key": BINDING_TAG, "Value": memory_binding(document)}]
        first = {"Name": _NAME, "SecretString": text, "ClientRequestToken": CURRENT_ID, "Tags": tags}
        self.call("CreateSecret", first)

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Make a call past the gate.

        Raises:
            ClientError: as botocore raises it.
        """
        port, serve = _OPERATIONS[operation]
        if port is not Port.READ:
            self._saved = None
        try:
            return serve(self._world, _MODEL.check(operation, params))
        except ServiceError as refusal:
            raise _client_error(refusal.code, operation) from None

    @property
    def _secret(self) -> SecretRecord:
        return next(iter(self._world.secrets.values()))

    def begin(self, token: str) -> None:
        """See ``Backend``."""
        request = {
            "SecretId": _NAME,
            "ClientRequestToken": token,
            "RotationLambdaARN": _FUNCTION,
            "RotationRules": {"AutomaticallyAfterDays": 30},
        }
        self._saved = None
        try:
            self._rotator.begin(_MODEL.check("RotateSecret", request))
        except ServiceError as refusal:
            raise _client_error(refusal.code, "RotateSecret") from None
        self._rotator.rotations.clear()
        self._rotator.events.clear()

    def cancel(self, token: str) -> None:
        """See ``Backend``."""
        self._saved = None
        self._secret.labels = {
            label: holder for label, holder in self._secret.labels.items() if (label, holder) != ("AWSPENDING", token)
        }

    def store(self, passage: Passage, clock: StoreClock) -> Store:
        """See ``Backend``."""
        client: Any = _GatedClient(self, passage)
        return AwsSecretsManager(client, _NAME, seal=_SEAL, clock=clock)

    @property
    def date(self) -> str:
        """The header ``Date`` of an answer that is given now."""
        return date_header(self._clock)

    def state(self) -> SecretState:
        """See ``Backend``."""
        held: dict[str, set[str]] = {}
        for label, version_id in self._secret.labels.items():
            held.setdefault(version_id, set()).add(label)
        return SecretState(
            rotation_enabled=True, versions={key: Version.from_labels(key, labels) for key, labels in held.items()}
        )

    def value(self, version_id: str) -> Secret | None:
        """See ``Backend``."""
        version = self._secret.versions.get(version_id)
        if version is None or version.value is None:
            return None
        return SecretDocument.parse(version.value.content.reveal()).password

    def current(self) -> Secret | None:
        """See ``Backend``."""
        return self.value(self._secret.labels.get("AWSCURRENT", ""))

    def save(self) -> Saved:
        """See ``Backend``."""
        if self._saved is None:
            secret = self._secret
            values = (
                (each.id, each.created, None if each.value is None else each.value.content.reveal())
                for each in secret.versions.values()
            )
            self._saved = (frozenset(secret.labels.items()), tuple(values))
        return self._saved

    def load(self, saved: Saved) -> None:
        """See ``Backend``."""
        if saved is self._saved:
            return
        self._saved = saved
        labels, values = saved
        self._secret.labels = dict(labels)
        self._secret.versions = {
            key: Held(key, created, None if text is None else StoredValue(Secret(text), binary=False))
            for key, created, text in values
        }

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Backend``."""
        operation, *words = request
        params: dict[str, Any] = dict(zip(words[::2], words[1::2], strict=True))
        if "VersionStages" in params:
            params["VersionStages"] = [params["VersionStages"]]
        try:
            self.call(operation, params)
        except ClientError:
            return  # Refused, and no caller waits for the answer.

    def error(self, kind: Kind) -> Exception:
        """See ``Backend``."""
        if kind is Kind.THROTTLED:
            return _client_error("ThrottlingException", "any")
        return EndpointConnectionError(endpoint_url="https://secretsmanager.invalid")


def _client_error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation)


class _GatedClient:
    """The four calls of the adapter, as botocore's client has them."""

    meta = SimpleNamespace(endpoint_url="https://secretsmanager.us-east-1.amazonaws.com", region_name="us-east-1")

    def __init__(self, backend: AwsBackend, passage: Passage) -> None:
        self._backend = backend
        self._passage = passage

    def describe_secret(self, **params: object) -> dict[str, Any]:
        return self._call("DescribeSecret", params)

    def get_secret_value(self, **params: object) -> dict[str, Any]:
        answer = self._call("GetSecretValue", params)
        return {**answer, "CreatedDate": datetime.fromtimestamp(answer["CreatedDate"], UTC)}

    def put_secret_value(self, **params: object) -> dict[str, Any]:
        return self._call("PutSecretValue", params)

    def update_secret_version_stage(self, **params: object) -> dict[str, Any]:
        return self._call("UpdateSecretVersionStage", params)

    def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        label = params.get("VersionStage", "")
        effect = Effect(
            port=_OPERATIONS[operation][0],
            verb=operation,
            target=label,
            late=lambda: _as_texts(operation, params),
            success={},
            shown=label == "AWSCURRENT",
        )
        call: Callable[[], dict[str, Any]] = lambda: self._backend.call(operation, params)  # noqa: E731 - typed
        answer = self._passage.call(effect, call)
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": self._backend.date}}}


def _as_texts(operation: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    words: list[str] = []
    for key, value in params.items():
        words += [key, value[0] if isinstance(value, list) else value]
    return ("store", operation, *words)
