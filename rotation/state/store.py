"""What the engine needs from the world. Adapters implement these; the engine imports nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rotation.core.errors import ConfigError
from rotation.core.secret import Secret, SecretDocument
from rotation.core.values import LoginTarget, Observation, Progress, Task, Verdict
from rotation.state.lease import Claim
from rotation.state.marks import Mark, SecretState


class Driver(Protocol):
    """The only thing every driver must have. ``account`` is an instance of the spec's account class."""

    def set_password(self, account: Any, new: Secret, *, current: Secret | None) -> Task | None:  # noqa: ANN401 - the spec's account class
        """Send one change request, never repeated by the driver itself.

        Repeating it with the same ``new`` is harmless or raises ``PasswordReused``, ``OldPasswordRejected`` or
        ``TooSoon``. A lost reply raises ``OutcomeUnknown``, never success.

        Args:
            account: whose password.
            new: the candidate.
            current: the old password for SELF drivers, ``None`` for ADMIN drivers.

        Returns:
            A task when the vendor works on it later, ``None`` when it said that it is done.

        Raises:
            DriverError: ``definite`` tells whether nothing can have been applied.
        """
        ...


@runtime_checkable
class Observes(Protocol):
    """The vendor can be asked about the target without changing it."""

    def observe(self, account: Any) -> Observation:  # noqa: ANN401 - the spec's account class
        """Look at the target; changes nothing."""
        ...


@runtime_checkable
class Verifies(Protocol):
    """The vendor has a login call."""

    def verify(self, account: Any, password: Secret) -> Verdict:  # noqa: ANN401 - the spec's account class
        """Try to log in and leave nothing behind.

        Returns:
            ``REJECTED`` only when the vendor said "wrong credential" in so many words.

        Raises:
            DriverError: could not tell (``AccountLocked``, ``CannotVerify``, ``VendorUnavailable``, ...).
        """
        ...


@runtime_checkable
class Polls(Protocol):
    """The vendor answers a change with a task."""

    def poll(self, account: Any, task: Task) -> Progress:  # noqa: ANN401 - the spec's account class
        """Ask once how the task stands."""
        ...


@runtime_checkable
class Powers(Protocol):
    """The vendor can switch the target's machine off and on."""

    def stop(self, account: Any) -> None:  # noqa: ANN401 - the spec's account class
        """Ask once for the machine to be stopped; ``observe`` shows when it is."""
        ...

    def start(self, account: Any) -> None:  # noqa: ANN401 - the spec's account class
        """Ask once for the machine to be started; ``observe`` shows when it is."""
        ...


class LoginProbe(Protocol):
    """A login check shared by drivers whose vendor has none."""

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """Say why no login can ever be tried there: a package is missing, or nothing would prove the host."""
        ...

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """As ``Verifies.verify``, against a host."""
        ...


@runtime_checkable
class ShowsHostKey(Protocol):
    """A login probe that can learn what proves the host, for deployments that trust a host's first word."""

    def host_key(self, host: str, port: int) -> str:
        """Return ``LoginTarget.host_key`` as the host shows it, without a login.

        Raises:
            CannotVerify: it showed none.
        """
        ...


@runtime_checkable
class Greets(Protocol):
    """A login probe that can find out beforehand whether the host that is to judge a password can be asked."""

    def greet(self, target: LoginTarget) -> None:
        """Connect, and see that the host is the one that is pinned or vouched for. Nobody logs in.

        Raises:
            CannotVerify: it cannot be reached, or it is another one.
            NotEnoughTime: too little time is left to find out.
        """
        ...


class Clock(Protocol):
    """Time as a port, so that tests and simulations own it."""

    def now(self) -> float:
        """Return epoch seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a vendor.

    Attributes:
        method: ``GET``, ``POST``, ...
        url: absolute; never holds a secret.
        headers: may hold credentials, hence never shown.
        body: exact bytes to send.
        changes: whether the request may change something: then a lost reply is ``OutcomeUnknown`` and nothing is
            ever sent twice.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    changes: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One answer. ``headers`` has lower-case names; ``body`` is at most one MiB and may hold secrets."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str | None = None


class Http(Protocol):
    """The one door to vendors."""

    def send(self, request: HttpRequest) -> HttpReply:
        """Send once and return any answer that is no redirect; a 3xx without a Location may be the vendor's refusal.

        Raises:
            HostNotAllowed: outside the allow-list; nothing was sent.
            VendorUnavailable: nothing reached the vendor (or the request changes nothing).
            OutcomeUnknown: a changing request may have arrived.
            UnexpectedReply: a redirect, or an oversized answer.
            NotEnoughTime: too little time left; nothing was sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A version's value and when it was made (epoch seconds)."""

    version_id: str
    document: SecretDocument
    created: float


class Store(Protocol):
    """One secret in a store, seen through versions, stages and durable marks."""

    def describe(self) -> SecretState:
        """Return every labelled version.

        Raises:
            StoreError: ``SecretNotFound``, ``StoreDenied``, ``StoreUnavailable``.
        """
        ...

    def read(self, version_id: str) -> StoredValue | None:
        """Return a version's value, or ``None`` when it has none (yet).

        Raises:
            SecretDocumentError: the value is no usable document.
            StoreError: as ``describe``.
        """
        ...

    def stage(self, token: str, document: SecretDocument) -> None:
        """Put the candidate once.

        Raises:
            StageConflict: another value sits under this token.
            NotYetVisible: put, but not readable within the patience of the store.
        """
        ...

    def mark(self, version_id: str, mark: Mark) -> None:
        """Attach a durable mark; attaching it twice is harmless."""
        ...

    def unmark(self, version_id: str, mark: Mark) -> None:
        """Take a mark away; harmless when it is not there."""
        ...

    def acquire(self, token: str, state: SecretState, claim: Claim) -> None:
        """Take the secret's lease for this token, by compare-and-swap against the state seen a moment ago.

        Raises:
            InProgress: somebody else holds it; ``not_before`` tells until when.
        """
        ...

    def yield_lease(self, token: str, *, holder: str) -> None:
        """Give the lease back; harmless when it is not held."""
        ...

    def promote(self, token: str, *, current_id: str | None) -> None:
        """Make the token's version current, naming the version it is taken from. Success if it already is.

        Raises:
            StageConflict: current sits elsewhere than ``current_id``.
        """
        ...

    def release(self, token: str) -> None:
        """Drop the candidate: take its pending stage and every mark."""
        ...

    def settle(self, token: str) -> None:
        """After a promotion: take the pending stage and all marks from where they are no longer needed."""
        ...
