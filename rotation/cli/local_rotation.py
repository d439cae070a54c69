"""A rotation begun and run from here, without the service: who makes the pending version, and which token it has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rotation.cli.aws_session import over
from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import InternalError, RotationError, StageConflict
from rotation.core.values import Step
from rotation.deployment.deployment import Deployment
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState, Version
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation.stores.wrapper import PassingStore

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Unattended(PassingStore):
    """A ``Store`` that stands in for what the service does when it begins a rotation, and passes everything else on.

    Until its candidate is put, a fresh token is shown as the empty pending version that ``RotateSecret`` would have
    made. Rotation is shown as enabled: the operator asked for it by calling.
    """

    def __init__(self, store: Store, token: str) -> None:
        super().__init__(store)
        self._token = token
        self._begun = False

    def describe(self) -> SecretState:
        """See ``ports.Store``."""
        state = replace(self._store.describe(), rotation_enabled=True)
        # Once the candidate is put, only the store knows: the label may have gone to another rotation.
        if self._begun or self._token in state.versions or _unfinished(state) is not None:
            return state
        fresh = Version.from_labels(self._token, {PENDING})
        return replace(state, versions={**state.versions, self._token: fresh})

    def stage(self, token: str, document: SecretDocument) -> None:
        """See ``ports.Store``. Refuses when another rotation has begun in the meantime."""
        if _unfinished(self._store.describe()) not in (None, token):
            raise StageConflict("another rotation of this secret has begun; nothing was sent")
        self._begun = True
        self._store.stage(token, document)


def _unfinished(state: SecretState) -> str | None:
    """Return the token of a rotation that holds the pending stage and has not ended."""
    pending = state.holder(PENDING)
    return None if pending == state.current_id else pending


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How one step went. ``result`` or ``error`` is set."""

    step: Step
    seconds: float
    driver: str | None
    vendor_request_id: str | None
    result: Result | None = None
    error: RotationError | None = None


class LocalRotation:
    """One rotation of one secret, run from here.

    Args:
        client: Secrets Manager.
        secret_id: name or ARN.
        environment: the deployment's ``LOCKSTEP_*`` variables.
        clock: the system's by default.

    Attributes:
        token: of an unfinished rotation, or a fresh one.
        resumed: whether the token is an unfinished rotation's.

    Raises:
        SettingsError: the deployment's variables are wrong.
        StoreError: the secret cannot be looked at.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        environment: Mapping[str, str],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._deployment = Deployment.from_environment(environment)
        store = AwsSecretsManager(client, secret_id, clock=self._clock)
        unfinished = _unfinished(store.describe())
        self.token = unfinished or str(uuid.uuid4())
        self.resumed = unfinished is not None
        self._store = Unattended(store, self.token)

    def steps(self) -> Iterator[StepReport]:
        """Run the four steps, yielding after each; a failed one is the last."""
        for step in Step:
            report = self._run(step)
            yield report
            if report.error is not None:
                return

    def _run(self, step: Step) -> StepReport:
        started = time.monotonic()
        session, binder = over(self._client, self._store, self.token, self._deployment, self._clock)
        result: Result | None = None
        failure: RotationError | None = None
        try:
            result = run(session, step)
        except RotationError as error:
            failure = error
        except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
            failure = InternalError.of(foreign)
        return StepReport(
            step=step,
            seconds=time.monotonic() - started,
            driver=binder.driver,
            vendor_request_id=binder.vendor_request_id,
            result=result,
            error=failure,
        )
