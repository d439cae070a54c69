"""Faults on demand, for the next calls of an operation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from rotation_testkit.doubles.secretsmanager.calls import Call
from rotation_testkit.doubles.secretsmanager.protocol.errors import ConnectionDropped, ServiceError
from rotation_testkit.doubles.secretsmanager.state import ServiceState

_SERVER_ERRORS = {"InternalServiceError", "InternalFailure", "ServiceUnavailable"}
_ALWAYS = 1_000_000
Hook = Callable[[Call], None]


@dataclass(slots=True)
class PlannedFault:
    """A fault that waits for its call. ``applied``: the call takes effect and only the answer is lost."""

    operation: str | None
    secret: str | None
    error: Exception
    applied: bool
    skip: int
    times: int

    def fits(self, call: Call) -> bool:
        """Return whether this fault applies to the call."""
        return self.operation in (None, call.operation) and self.secret in (None, call.secret)


class Faults:
    """Switches for the tests of the product.

    In each method ``operation`` is the API's name (``PutSecretValue``) or ``None`` for all, ``times`` is how many calls
    fail, ``skip`` how many fitting calls succeed before, ``secret`` the secret's *name* or ``None`` for all.
    """

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._faults: list[PlannedFault] = []
        self._before: list[tuple[str | None, Hook]] = []
        self._after: list[tuple[str | None, Hook]] = []
        self._lock = threading.Lock()

    def fail(  # noqa: PLR0913 - one switchboard instead of a class per fault
        self,
        operation: str | None,
        code: str,
        *,
        applied: bool = False,
        times: int = 1,
        skip: int = 0,
        secret: str | None = None,
    ) -> None:
        """Answer with an error; HTTP 500 for the service's own failures, else 400."""
        status = 500 if code in _SERVER_ERRORS else 400
        error = ServiceError(code, "Injected fault.", status=status)
        self._add(PlannedFault(operation, secret, error, applied, skip, times))

    def drop(
        self,
        operation: str | None,
        *,
        applied: bool,
        times: int = 1,
        skip: int = 0,
        secret: str | None = None,
    ) -> None:
        """Close the connection without an answer."""
        self._add(PlannedFault(operation, secret, ConnectionDropped("no answer"), applied, skip, times))

    def throttle(self, operation: str | None, *, times: int = 1, skip: int = 0) -> None:
        """Refuse the next calls as too frequent; they take no effect."""
        self.fail(operation, "ThrottlingException", times=times, skip=skip)

    def deny(self, operation: str | None, *, times: int = _ALWAYS, skip: int = 0) -> None:
        """Deny an operation until ``clear``."""
        self.fail(operation, "AccessDeniedException", times=times, skip=skip)

    def break_key(self, *, times: int = _ALWAYS) -> None:
        """Disable the KMS key: nothing can be read or written, while labels still move."""
        self.fail("GetSecretValue", "DecryptionFailure", times=times)
        for operation in ("CreateSecret", "PutSecretValue", "UpdateSecret"):
            self.fail(operation, "EncryptionFailure", times=times)

    def lag(self, *, values: int = 0, describe: int = 0) -> None:
        """Make reads eventually consistent from now on.

        Args:
            values: a version put from now on is "not found" for this many reads.
            describe: after each change this many ``DescribeSecret`` calls still answer with the state before it.
        """
        with self._state.lock:
            self._state.lag_values, self._state.lag_describe = values, describe

    def before(self, operation: str | None, hook: Hook) -> None:
        """Run ``hook`` before a call takes effect; it may use the double, and must not raise."""
        with self._lock:
            self._before.append((operation, hook))

    def after(self, operation: str | None, hook: Hook) -> None:
        """Run ``hook`` after a call took effect and before its answer leaves."""
        with self._lock:
            self._after.append((operation, hook))

    def clear(self) -> None:
        """Remove every fault, lag and hook."""
        with self._lock:
            self._faults, self._before, self._after = [], [], []
        self.lag()

    def _add(self, fault: PlannedFault) -> None:
        with self._lock:
            self._faults.append(fault)

    def take(self, call: Call) -> PlannedFault | None:
        """Return the fault of this call, if there is one, and count it."""
        with self._lock:
            for fault in self._faults:
                if not fault.fits(call):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def run_before(self, call: Call) -> None:
        """Run the hooks for a call that is about to take effect."""
        self._run(self._before, call)

    def run_after(self, call: Call) -> None:
        """Run the hooks for a call that took effect."""
        self._run(self._after, call)

    def _run(self, hooks: list[tuple[str | None, Hook]], call: Call) -> None:
        with self._lock:
            fitting = [hook for operation, hook in hooks if operation in (None, call.operation)]
        for hook in fitting:
            hook(call)
