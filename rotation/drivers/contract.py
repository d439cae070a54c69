"""What a driver is: its methods as protocols, and the record that declares its behaviour as data.

A driver must have ``set_password`` (``Driver``). It has the other methods where its vendor offers them: ``Observes``,
``Verifies``, ``Polls``, ``Powers``. Its module's ``DRIVER`` is a ``DriverSpec``, whose ``factory`` makes the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Observation, Progress, Task, Verdict
from rotation.drivers.error_table import ErrorRow
from rotation.drivers.network.http_messages import Http
from rotation.drivers.tokens import Tokens
from rotation.policy import PasswordPolicy


class Driver(Protocol):
    """What every driver must have. ``account`` is an instance of the spec's account class."""

    def set_password(self, account: Any, new: Secret, *, current: Secret | None) -> Task | None:  # noqa: ANN401 - the spec's account class
        """Send one change request, never repeated by the driver itself.

        A vendor may finish the change later in two ways: it names a task, which ``poll`` reads, or it has none and
        only the target's state shows when it is over. Then ``completes_by_state`` is set, ``None`` is returned, and
        ``Observation.change`` says how far it is.

        Repeating it with the same ``new`` is harmless or raises ``PasswordReused``, ``OldPasswordRejected`` or
        ``TooSoon``. A lost reply raises ``OutcomeUnknown``, never success. ``current`` is the old password for SELF
        drivers, ``None`` for ADMIN drivers.

        Returns:
            A task when the vendor finishes the change later, ``None`` when the vendor said yes and named no task.

        Raises:
            DriverError: ``definite`` says whether it is certain that nothing was changed.
        """


@runtime_checkable
class Observes(Protocol):
    """The vendor can be asked about the target without changing it."""

    def observe(self, account: Any) -> Observation:  # noqa: ANN401 - the spec's account class
        """Look at the target without changing it."""


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


@runtime_checkable
class Polls(Protocol):
    """The vendor answers a change with a task."""

    def poll(self, account: Any, task: Task) -> Progress:  # noqa: ANN401 - the spec's account class
        """Read the state of the task once."""


@runtime_checkable
class Powers(Protocol):
    """The vendor can switch the target's machine off and on."""

    def stop(self, account: Any) -> None:  # noqa: ANN401 - the spec's account class
        """Ask once that the machine be stopped; ``observe`` shows when it is."""

    def start(self, account: Any) -> None:  # noqa: ANN401 - the spec's account class
        """Ask once that the machine be started; ``observe`` shows when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a driver is made from, shared by all drivers of one code in one run.

    Attributes:
        http: the only way to a vendor.
        endpoint: base URL without a trailing slash.
        admin: an instance of the spec's ``admin`` class, or ``None``.
        now: the clock, epoch seconds.
        tokens: of a vendor whose calls need a login first.
    """

    http: Http
    endpoint: str
    admin: Any
    now: Callable[[], float]
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", Tokens(self.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One vendor product, declared as data. Engine, command line and conformance kit read these fields.

    Attributes:
        code: lower-case name used for the module, settings, events and docs.
        name: the vendor's product name.
        docs: address of the vendor's page on the call.
        authority: who may change the password.
        evidence: the best proof this driver can give; also the default minimum.
        endpoint: default base URL; ``endpoints`` lists every official one.
        account: settings class of the account's own keys in the rotated secret (all of them identify the account
            unless named in ``not_identity``).
        alternates: the account's own keys in which two accounts that take turns may differ, as in
            ``engine.identity.turns``. All other keys are shared, so that both accounts are of one target. Empty where
            an API key resets no second account there, or where a reset always needs the old password; a driver with
            ``admin_resets`` takes turns where the deployment has a key.
        admin: settings class of the admin credential, or ``None`` when the account changes itself. A field
            ``session_token`` says that the vendor documents temporary keys and that the driver's family sends the
            token; without the field, a credential that has one is refused. Any credential may have ``expires_at``.
        admin_optional: whether a deployment may leave the admin credential out; the driver then gets ``None``.
        admin_resets: of an optional admin credential, whether it resets the password without the old one. A deployment
            that has one then gets a record whose ``authority`` is ADMIN.
        policies: password policy by variant.
        factory: makes the driver.
        harmless: the account's own keys of an account that does not exist. Observing it is a signed call that changes
            nothing and shows whether the vendor takes the admin credential; empty where the driver cannot look.
        login_probes: kinds of shared probes that log in to the driver's targets (``ssh``, ``winrm``, ``mysql``,
            ``postgresql``, ``redis``, or a plug-in's); empty when the driver has a login call of its own, or when no
            login is possible.
        lockout: the vendor's lock-out rule, ``None`` when none is known. If the target tells its own, this is the
            vendor's default.
        history: how many former passwords the vendor refuses; ``None`` when it keeps none or does not say.
        propagation_seconds: how long after a success the new password may not work yet.
        call_seconds: the longest a change may take before Lockstep stops waiting for the answer.
        poll_seconds: pause between polls of an asynchronous task, or of the state of a target that changes; also the
            pause before the first look at a state, which must not be that of before the reset.
        completes_by_state: whether a reset continues after the vendor's yes until ``Observation.change`` says ``DONE``.
            The state does not say whose operation ended, so an account that no login can prove needs a task instead.
        reads_rules: whether every observation carries the target's own rules (``Observation.rules``), which narrow
            ``policies``, their minimum age, ``history`` and ``lockout``. The engine then looks before any login.
        request_id_header: response header with the vendor's request id.
        error_table: the vendor's codes, what they mean and what to do about them; ``error_for`` reads it.
        batch_key: the key under which one secret may hold a list of accounts, each with its own password; ``None`` for
            one account only. The driver's task ids then have at most 60 characters.
        source: where the facts come from; ``checked``: when they were read (ISO date).
        sdks: distributions of the vendor's own SDKs, or of clients of the standard, that drive the simulator in the
            tests.
        ran_live: whether it was ever run against the live vendor; until then its behaviour is only *documented*.
    """

    code: str
    name: str
    docs: str
    authority: Authority
    evidence: Evidence
    endpoint: str
    endpoints: tuple[str, ...]
    account: type[Any]
    admin: type[Any] | None
    policies: Mapping[str, PasswordPolicy]
    factory: Callable[[Wiring], Driver]
    source: str
    checked: str
    admin_optional: bool = False
    admin_resets: bool = False
    not_identity: frozenset[str] = frozenset()
    alternates: frozenset[str] = frozenset()
    harmless: Mapping[str, str] = field(default_factory=dict)
    login_probes: frozenset[str] = frozenset()
    lockout: Lockout | None = None
    history: int | None = None
    propagation_seconds: int = 0
    call_seconds: int = 15
    poll_seconds: int = 3
    completes_by_state: bool = False
    reads_rules: bool = False
    request_id_header: str = "x-request-id"
    error_table: tuple[ErrorRow, ...] = ()
    batch_key: str | None = None
    sdks: tuple[str, ...] = ()
    ran_live: bool = False

    @property
    def min_age_seconds(self) -> int:
        """The longest minimum password age of the driver's policies."""
        return max((policy.min_age_seconds for policy in self.policies.values()), default=0)
