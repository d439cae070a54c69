"""``SecretsManager``: a strict double of AWS Secrets Manager, served over HTTP to unmodified AWS clients.

Its parts: ``state`` (secrets, versions, labels), ``operations`` (one function per API operation), ``api`` (one call
with its checks, faults and log), ``protocol`` (the wire), ``rotations`` (as the service runs them), ``faults``.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager.api import Api
from rotation_testkit.doubles.secretsmanager.calls import Call, Event
from rotation_testkit.doubles.secretsmanager.faults import Faults
from rotation_testkit.doubles.secretsmanager.protocol.direct import answer_directly
from rotation_testkit.doubles.secretsmanager.protocol.signature import verify
from rotation_testkit.doubles.secretsmanager.protocol.validation import service_model
from rotation_testkit.doubles.secretsmanager.protocol.wire import JsonProtocol
from rotation_testkit.doubles.secretsmanager.rotations.rotator import Function, Rotation, RotationState, Rotator
from rotation_testkit.doubles.secretsmanager.state import CURRENT, PENDING, Answer, ServiceState
from rotation_testkit.doubles.serving import serve

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_TOKEN_OPERATIONS = {"CreateSecret", "PutSecretValue", "RotateSecret", "UpdateSecret"}


class SecretsManager:
    """One account's Secrets Manager in one region.

    Args:
        clock: epoch seconds for every date and for ``tick``.
        sleep: called between the attempts of a rotation.
        region: of the ARNs, and of the credential scope that requests must be signed for.
        account: of the ARNs; a rotation function of another account is cross-account and gets a RotationToken.
        retry_delays: seconds before each further attempt of a failed rotation.
        removes_pending: whether the service takes AWSPENDING off the new current version after success.

    Attributes:
        faults: what goes wrong, on demand.
        access_key: the one access key id that is accepted.
        secret_key: its secret key; generated, valid nowhere else.
    """

    def __init__(  # noqa: PLR0913 - each is one documented switch with a default
        self,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        region: str = "eu-central-1",
        account: str = "111122223333",
        retry_delays: tuple[float, ...] = (0.01, 0.01),
        removes_pending: bool = True,
    ) -> None:
        self._state = ServiceState(clock=clock, region=region, account=account)
        self._model = service_model()
        self._rotator = Rotator(self._state, sleep=sleep, retry_delays=retry_delays, removes_pending=removes_pending)
        self._workers: list[threading.Thread] = []
        self._endpoint: str | None = None
        self.faults = Faults(self._state)
        self._api = Api(self._state, self._rotator, self.faults, self._model, self._run_beside)
        self._protocol = JsonProtocol(self._authenticate, self._api.perform, self._model.errors, clock)
        self.access_key = "AKIA" + secrets.token_hex(8).upper()
        self.secret_key = Secret(secrets.token_urlsafe(30))

    @contextmanager
    def serve(self, *, port: int = 0) -> Iterator[str]:
        """Serve on loopback and yield the endpoint's URL; no rotation step starts after the block."""
        with serve(self._protocol, port=port) as url:
            self._endpoint = url
            try:
                yield url
            finally:
                self._endpoint = None
                self._stop()

    def _authenticate(self, request: Request) -> None:
        verify(request, region=self._state.region, access_key=self.access_key, secret_key=self.secret_key)

    def _run_beside(self, rotation: Rotation) -> None:
        worker = threading.Thread(target=self._rotator.run, args=(rotation,), daemon=True)
        worker.start()
        with self._state.lock:
            self._workers = [each for each in self._workers if each.is_alive()] + [worker]

    def join(self, timeout: float) -> None:
        """Wait until the rotations that the service has begun by itself have ended; ``timeout`` seconds for each."""
        for worker in self._workers:
            worker.join(timeout)

    def _stop(self) -> None:
        with self._state.lock:
            for rotation in self._rotator.rotations:
                if rotation.state is RotationState.RUNNING:
                    rotation.state = RotationState.CANCELLED
        self.join(timeout=5)

    @property
    def endpoint(self) -> str:
        """The URL while being served.

        Raises:
            RuntimeError: outside the ``serve`` block.
        """
        if self._endpoint is None:
            raise RuntimeError("the double is not being served")
        return self._endpoint

    def environment(self) -> dict[str, str]:
        """Return the variables that point a client in another process here. Holds the generated secret key."""
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key.reveal(),
            "AWS_DEFAULT_REGION": self._state.region,
            "AWS_REGION": self._state.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, *, attempts: int = 1, direct: bool = False) -> SecretsManagerClient:
        """Return a boto3 client for this double.

        Args:
            attempts: the most attempts of one call.
            direct: answer the client in this process, without a socket.
        """
        import boto3
        from botocore.config import Config

        client: SecretsManagerClient = boto3.client(
            "secretsmanager",
            endpoint_url=self.endpoint,
            region_name=self._state.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key.reveal(),
            config=Config(
                retries={"total_max_attempts": attempts},
                connect_timeout=5,
                read_timeout=10,
                proxies={},
                user_agent="lockstep-testing",  # building botocore's own takes longer than signing the call
            ),
        )
        if direct:
            answer_directly(client, self._protocol)
        return client

    def register_function(self, arn: str, function: Function, *, assumes_role: bool = False) -> None:
        """Allow the service to invoke ``function`` under this ARN; an exception from it is a failed step.

        Args:
            arn: a function of another account gets a RotationToken in its event.
            function: takes the event.
            assumes_role: send a RotationToken within the account, too.
        """
        foreign = arn.split(":")[4:5] != [self._state.account]
        with self._state.lock:
            self._rotator.functions[arn] = (function, foreign or assumes_role)

    def create(self, name: str, value: Secret | str | None = None, tags: Mapping[str, str] | None = None) -> str:
        """Create a secret and return its ARN."""
        text = value.reveal() if isinstance(value, Secret) else value
        params: dict[str, Any] = {} if text is None else {"SecretString": text}
        if tags:
            params["Tags"] = [{"Key": key, "Value": each} for key, each in tags.items()]
        return str(self.call("CreateSecret", Name=name, **params)["ARN"])

    def call(self, operation: str, /, **params: Any) -> Answer:  # noqa: ANN401 - the API's own parameters
        """Call an operation as an operator would, without the wire; subject to faults and logged like any call.

        Raises:
            ServiceError: refused.
            ConnectionDropped: a fault took the answer.
        """
        if operation in _TOKEN_OPERATIONS:
            params.setdefault("ClientRequestToken", str(uuid.uuid4()))
        return self._api.perform(operation, params)

    def rotate(
        self,
        secret_id: str,
        *,
        function: str | None = None,
        rules: dict[str, object] | None = None,
        immediately: bool = True,
        token: str | None = None,
    ) -> Rotation:
        """Rotate in the calling thread, with all retries, and return the rotation.

        Raises:
            ServiceError: ``RotateSecret`` was refused.
        """
        params: dict[str, object] = {
            "SecretId": secret_id,
            "ClientRequestToken": token or str(uuid.uuid4()),
            "RotateImmediately": immediately,
        }
        params |= {} if function is None else {"RotationLambdaARN": function}
        params |= {} if rules is None else {"RotationRules": rules}
        with self._state.lock:
            rotation, _is_new = self._rotator.begin(self._model.check("RotateSecret", params))
        self._rotator.run(rotation)
        return rotation

    def tick(self) -> tuple[Rotation, ...]:
        """Run, in the calling thread, every rotation that is due by the clock.

        A failed rotation that still holds AWSPENDING is reattempted under its own token.
        """
        with self._state.lock:
            started = [self._start_due(arn) for arn in list(self._state.secrets)]
        rotations = tuple(one for one in started if one is not None)
        for rotation in rotations:
            self._rotator.run(rotation)
        return rotations

    def _start_due(self, arn: str) -> Rotation | None:
        secret = self._state.named(arn)
        if secret is None or secret.deleted is not None or secret.schedule is None or not secret.schedule.enabled:
            return None
        latest = self._rotator.latest(arn)
        if secret.schedule.next is None or secret.schedule.next > self._state.clock():
            return None
        if latest is not None and latest.state is RotationState.RUNNING:
            return None
        pending = secret.labels.get(PENDING)
        if pending not in (None, secret.labels.get(CURRENT)):
            return self._rotator.resume(secret, str(pending))
        rotation, _is_new = self._rotator.begin({"SecretId": arn, "ClientRequestToken": str(uuid.uuid4())})
        return rotation

    def wait(self, secret_id: str, timeout: float = 10.0) -> Rotation:
        """Wait for the secret's latest rotation to end.

        Raises:
            TimeoutError: it is still running, or there is none.
        """
        with self._state.lock:
            rotation = self._rotator.latest(self._state.find(secret_id, even_deleted=True).arn)
        if rotation is None or not rotation.done.wait(timeout):
            raise TimeoutError("no rotation of this secret has ended")
        return rotation

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that the service reported, oldest first."""
        return tuple(self._rotator.events)

    @property
    def rotations(self) -> tuple[Rotation, ...]:
        """Every rotation, oldest first."""
        return tuple(self._rotator.rotations)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every API call, oldest first."""
        return tuple(self._api.calls)

    def labels(self, secret_id: str) -> dict[str, frozenset[str]]:
        """Return each version's labels, also of versions without any."""
        with self._state.lock:
            secret = self._state.find(secret_id, even_deleted=True)
            return {version: frozenset(secret.stages(version)) for version in secret.versions}

    def value(self, secret_id: str, *, stage: str | None = None, version: str | None = None) -> Secret | None:
        """Return a version's value past all faults; AWSCURRENT's when neither label nor version is named.

        Binary values come as base64 text. ``None``: no such version, or an empty one.
        """
        with self._state.lock:
            secret = self._state.find(secret_id, even_deleted=True)
            found = secret.versions.get(version or secret.labels.get(stage or CURRENT, ""))
            return None if found is None or found.value is None else found.value.content

    def purge(self, secret_id: str) -> None:
        """Delete every version without a label, as the service may at any time after a day."""
        with self._state.lock:
            secret = self._state.find(secret_id, even_deleted=True)
            secret.versions = {one: version for one, version in secret.versions.items() if secret.stages(one)}
