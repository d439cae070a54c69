"""Sessions over Secrets Manager for the command line, and a rotation that runs here instead of in the service.

When the service rotates, it makes an empty pending version and calls the function with that version's id as the token.
A rotation that runs here finds the token of an unfinished rotation or makes a new one, and ``UnattendedStore`` shows
the engine what the service would have prepared.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from rotation.core.clock import Clock, StoreClock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import InProgress, InternalError, RotationError
from rotation.core.process import stop
from rotation.core.values import Step
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.deployment.keys.candidate_seal import require_seal, seal_for
from rotation.deployment.open_session import countdown, open_session, until_written_down
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.marks import Mark
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState, Version
from rotation.stores.aws.deadline import within
from rotation.stores.aws.secrets_manager import AwsSecretsManager, read_current
from rotation.stores.wrapper import PassingStore

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


STEP_SECONDS = 120.0
"""Seconds for one step. A killed run's lease lasts as long, so this is as short as a function's time-out."""


def session_for(
    client: SecretsManagerClient, secret_id: str, environment: Mapping[str, str], *, spend: bool = False
) -> Session:
    """Return a session for looking at a secret; it has no token. ``spend`` as in ``Session``."""
    deployment, clock = Deployment.from_environment(environment), StoreClock(SystemClock())
    store, binder = store_for(client, secret_id, deployment, clock), _binder(client, deployment, clock)
    session = open_session(store, binder, announce=Announcer.of(binder, lambda: store.name))
    return replace(session, spend=spend)


def store_for(
    client: SecretsManagerClient, secret_id: str, deployment: Deployment, clock: StoreClock | None = None
) -> AwsSecretsManager:
    """Return a secret's store, with what the deployment says about it."""
    seal = seal_for(deployment, partial(read_current, client))
    return AwsSecretsManager(client, secret_id, seal=seal, clock=clock)


def binder_for(client: SecretsManagerClient, deployment: Deployment) -> Binder:
    """Return the binder of one step."""
    return _binder(client, deployment, SystemClock())


def _binder(client: SecretsManagerClient, deployment: Deployment, clock: Clock) -> Binder:
    """Return the binder of one step."""
    return Binder(
        deployment=deployment,
        fetch=partial(read_current, client),
        clock=clock,
        time_left=countdown(STEP_SECONDS, time.monotonic),
    )


class UnattendedStore(PassingStore):
    """A ``Store`` that does what the service does when it begins a rotation, and passes everything else on.

    Until the candidate is staged, a new token is shown as the empty pending version that ``RotateSecret`` would have
    made. Rotation is shown as enabled: the operator asked for it by running the command.
    """

    def __init__(self, store: Store, token: str) -> None:
        super().__init__(store)
        self._token = token
        self._begun = False
        self._base: str | None = None

    def describe(self) -> SecretState:
        """See ``state.store.Store``.

        Raises:
            InProgress: another rotation has begun, and ours has not.
        """
        state = replace(self._store.describe(), rotation_enabled=True)
        # Once the candidate is staged, only the store knows: the label may have gone to another rotation.
        if self._begun or self._token in state.versions:
            return state
        if _unfinished(state) is not None:
            raise _another()
        fresh, self._base = Version.from_labels(self._token, {PENDING}), state.current_id
        return replace(state, versions={**state.versions, self._token: fresh})

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``state.store.Store``.

        Raises:
            InProgress: another rotation has begun in the meantime, or has ended: where two accounts take turns, the
                candidate would be for the one whose turn is over.
        """
        state = self._store.describe()
        if mark is None and _unfinished(state) not in (None, token):
            raise _another()
        if not self._begun and self._base not in (None, state.current_id):
            raise InProgress(
                "another value became current while the candidate was made; nothing was sent",
                hint="Run the same command again: it makes a candidate for the current value.",
            )
        self._begun = True
        self._store.stage(token, document, mark)


def _another() -> InProgress:
    return InProgress(
        "another rotation of this secret has begun; nothing was sent",
        hint="Run the same command again: it continues that rotation, or finds it done.",
    )


def _unfinished(state: SecretState) -> str | None:
    """Return the token of a rotation that holds the pending stage and has not ended."""
    pending = state.holder(PENDING)
    return None if pending == state.current_id else pending


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """The end of one step: a result, or an error."""

    step: Step
    seconds: float
    driver: str | None
    vendor_request_id: str | None
    end: Result | RotationError

    @property
    def error(self) -> RotationError | None:
        """The error of a step that failed."""
        return self.end if isinstance(self.end, RotationError) else None

    @property
    def outcome(self) -> str:
        """The result's outcome, or the error's code."""
        return self.end.code if isinstance(self.end, RotationError) else self.end.outcome

    @property
    def evidence(self) -> str | None:
        """The name of the proof, if there is one."""
        return None if isinstance(self.end, RotationError) or self.end.evidence is None else self.end.evidence.name

    @property
    def members(self) -> list[dict[str, object]]:
        """The result of each account of a batch; empty for a secret of one account."""
        if isinstance(self.end, RotationError):
            return list(self.end.members)
        return [each.describe() for each in self.end.members]


class LocalRotation:
    """One rotation of one secret, run from here.

    Attributes:
        token: of an unfinished rotation, or a new one.
        resumed: whether the token is that of an unfinished rotation.
        unheard: the targets that have not taken an event, and why.
        committed: whether a new password became current, also where the rotation failed in part or after that.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        environment: Mapping[str, str],
        *,
        clock: Clock | None = None,
        spend: bool = False,
    ) -> None:
        self._client = client
        self._spend = spend
        self._clock = StoreClock(clock or SystemClock())
        self._deployment = Deployment.from_environment(environment)
        require_seal(self._deployment)
        store = store_for(client, secret_id, self._deployment, self._clock)
        unfinished = _unfinished(store.describe())
        self.token = unfinished or str(uuid.uuid4())
        self.resumed = unfinished is not None
        self.unheard: dict[str, str] = {}
        self.committed = False
        self._name = lambda: store.name
        self._store = UnattendedStore(store, self.token)

    def steps(self) -> Iterator[StepReport]:
        """Run the four steps, yielding after each; a failed one is the last.

        Once the process is asked to stop, createSecret and setSecret do not begin; what setSecret has begun continues.
        """
        for step in Step:
            report = self._run(step)
            yield report
            if report.error is not None:
                return

    def reset_may_be_sent(self) -> bool:
        """Return whether the labels say so, or cannot be read."""
        try:
            version = self._store.describe().version(self.token)
        except InProgress:  # another rotation has begun, and this one has not
            return False
        except RotationError:
            return True
        return version.intent is not None or version.proof is not None or bool(version.proofs)

    def _run(self, step: Step) -> StepReport:
        started = time.monotonic()
        binder = _binder(self._client, self._deployment, self._clock)
        announcer = Announcer.of(binder, self._name)
        session = open_session(self._store, binder, token=self.token, announce=announcer)
        session = replace(session, spend=self._spend)
        end: Result | RotationError
        try:
            if step in (Step.CREATE, Step.SET):
                stop.refuse_new(step.value)
            with within(until_written_down(session.time_left)):
                end = run(session, step)
        except RotationError as error:
            end = error
        except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
            end = InternalError.of(foreign)
        finally:  # also where the process must stop at once
            self.unheard |= announcer.unheard
            self.committed |= session.memory.committed
        return StepReport(
            step=step,
            seconds=time.monotonic() - started,
            driver=binder.driver,
            vendor_request_id=binder.vendor_request_id,
            end=end,
        )
