"""Rotate many secrets by asking Secrets Manager for each, and watch their labels until they have ended.

The service runs each secret's own rotation function. Who runs this reads no password, needs no admin credential,
and can die at any moment: what has begun continues, with the service's own retries.

The token of each rotation is made of the run's id and the secret's ARN, and a token is the id of the version that the
rotation makes. So the labels say what a run has done: a version of that id is current, or pending, or is not there
yet. A run that continues after a kill asks for nothing twice, and no file has to survive.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from rotation.core.clock import Clock
from rotation.core.errors import RotationError, StageConflict, StoreError, StoreUnavailable
from rotation.core.process import stop
from rotation.state.stages import CURRENT, PREVIOUS
from rotation.stores.aws.failures import asked
from rotation.stores.aws.fleet.fleet_secret import FleetSecret, read
from rotation.stores.aws.fleet.lanes import Lanes
from rotation.stores.aws.fleet.turn import Ended, Turn, ended_by

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

WRITES = 6
"""What a clean rotation of one account writes; `tests/bench/test_calls.py` counts them."""
_LOOK_SECONDS = 2.0
_NO_FUNCTION = "Attach the rotation function (docs/aws.md), or rotate it from here: `lockstep rotate SECRET_ID`."
_OTHER = (
    "An earlier rotation has begun and not ended; asking made the service try it again. When it has ended, continue "
    "with the same --run: the secret then gets a new password. `lockstep doctor SECRET_ID` says what is in its way."
)


def token_of(run: uuid.UUID, secret: FleetSecret) -> str:
    """Return the token of a secret's rotation in a run."""
    return str(uuid.uuid5(run, secret.arn))


@dataclass(slots=True)
class _Flight:
    secret: FleetSecret
    token: str
    began: float
    next_look: float


@dataclass(slots=True, kw_only=True)
class FleetRotation:
    """One run.

    Attributes:
        client: calls Secrets Manager; rights: DescribeSecret and RotateSecret.
        run: the run's id.
        clock: the run's clock.
        writes_per_second: the share of the store's quota of writes that rotations may take, on average.
        per_vendor: how many rotations of one vendor may be on their way.
        patience: seconds after which a rotation that has not ended is left to the service.
        until: epoch seconds at which this part of the run ends, as if it were killed.
    """

    client: SecretsManagerClient
    run: uuid.UUID
    clock: Clock
    writes_per_second: float = 10.0
    per_vendor: int = 4
    patience: float = 900.0
    until: float = inf
    _flights: list[_Flight] = field(default_factory=list)

    @property
    def under_way(self) -> int:
        """How many rotations have begun and not ended."""
        return len(self._flights)

    def turns(self, secrets: Iterable[FleetSecret]) -> Iterator[Turn]:
        """Rotate, and yield each turn when it has ended.

        Once the process is asked to stop, no rotation begins, and those on their way are left to the service.
        """
        lanes = Lanes(secrets, most=self.per_vendor)
        next_start = self.clock.now()
        while (lanes or self._flights) and not stop.requested() and self.clock.now() < self.until:
            secret = lanes.take() if lanes and self.clock.now() >= next_start else None
            if secret is not None:
                turn = self._begin(secret)
                if turn is None or turn.error is not None:
                    next_start = self.clock.now() + WRITES / self.writes_per_second
                yield from self._ended(lanes, turn)
            for flight in [each for each in self._flights if each.next_look <= self.clock.now()]:
                yield from self._ended(lanes, self._look(flight), flight)
            if secret is None:
                self._wait(next_start if lanes else None)

    def _ended(self, lanes: Lanes, turn: Turn | None, flight: _Flight | None = None) -> Iterator[Turn]:
        if turn is None:
            return
        if flight is not None:
            self._flights.remove(flight)
        lanes.give_back(turn.secret)
        yield turn

    def _wait(self, next_start: float | None) -> None:
        now = self.clock.now()
        moments = [each.next_look for each in self._flights]
        if next_start is not None and next_start > now:
            moments.append(next_start)
        stop.pause(self.clock, max(0.0, min(moments, default=now) - now))

    def _begin(self, secret: FleetSecret) -> Turn | None:
        """Ask for the rotation, unless this run did already; ``None`` while it is on its way."""
        token = token_of(self.run, secret)
        try:
            now, labels = self._described(secret, token)
            if {CURRENT, PREVIOUS} & labels:
                return Turn(secret=secret, ended=Ended.ALREADY_DONE, token=token, evidence=_evidence(now))
            if now.function is None:
                return _failed(secret, token, StoreError("the secret has no rotation function", hint=_NO_FUNCTION))
            if now.pending != token:
                if now.pending is not None:
                    self._ask_again(now)
                    error = StageConflict("another rotation is not complete", hint=_OTHER)
                    ended = Ended.NEEDS_HUMAN if now.needs_human else Ended.WAITS
                    return Turn(secret=secret, ended=ended, reason=now.reason, error=error)
                self._ask(secret, token)
        except RotationError as error:
            return _failed(secret, token, error)
        moment = self.clock.now()
        self._flights.append(_Flight(secret, token, moment, moment + _LOOK_SECONDS))
        return None

    def _ask(self, secret: FleetSecret, token: str) -> None:
        """Ask for the rotation. The token makes it safe to ask again where the answer was lost."""
        asked(
            self.client,
            secret.arn,
            lambda: self.client.rotate_secret(SecretId=secret.arn, ClientRequestToken=token),
        )

    def _ask_again(self, now: FleetSecret) -> None:
        """Make the service try an unfinished rotation again, which is what its refusal says that it does."""
        try:
            self._ask(now, str(now.pending))
        except StoreUnavailable:
            raise
        except StoreError as refused:
            if refused.vendor_code != "InvalidRequestException":
                raise

    def _look(self, flight: _Flight) -> Turn | None:
        secret, token, moment = flight.secret, flight.token, self.clock.now()
        flight.next_look = moment + _LOOK_SECONDS
        late = moment - flight.began > self.patience
        try:
            now, labels = self._described(secret, token)
        except StoreUnavailable as error:
            return Turn(secret=secret, ended=Ended.WAITS, token=token, error=error) if late else None
        except RotationError as error:
            return _failed(secret, token, error)
        if CURRENT in labels:
            return Turn(secret=secret, ended=Ended.ROTATED, token=token, evidence=_evidence(now))
        if now.pending != token:
            return _failed(secret, token, StageConflict("the rotation was cancelled, or another version was put"))
        if now.reason is not None:
            ended = Ended.NEEDS_HUMAN if now.needs_human else Ended.WAITS
            return Turn(secret=secret, ended=ended, token=token, reason=now.reason)
        return Turn(secret=secret, ended=Ended.WAITS, token=token) if late else None

    def _described(self, secret: FleetSecret, token: str) -> tuple[FleetSecret, set[str]]:
        answer = asked(self.client, secret.arn, lambda: self.client.describe_secret(SecretId=secret.arn))
        return read(answer, self.clock.now()), set(answer.get("VersionIdsToStages", {}).get(token, ()))


def _evidence(now: FleetSecret) -> str | None:
    return now.evidence.name if now.evidence else None


def _failed(secret: FleetSecret, token: str, error: RotationError) -> Turn:
    return Turn(secret=secret, ended=ended_by(error), token=token, error=error)
