"""Change one password with the engine's setSecret and testSecret, over marks that live as long as this process.

The engine's rules hold: the first call with a candidate sends it; a repeated call finds out first whether it already
works; wrong logins are budgeted; "could not tell" decides nothing; success needs evidence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import ConfigError, InProgress
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.deployment.open_session import open_session
from rotation.drivers.guarded import Guarded
from rotation.engine.run import run
from rotation.state import marks, parking
from rotation.state.stages import CURRENT, PENDING
from rotation.stores.memory import MemorySecret, MemoryStore
from vault_plugin.database.connection import Connection
from vault_plugin.database.memory import BEFORE, AccountMemory, Memory
from vault_plugin.database.role import document, identity

_UNKNOWN = "[the password before this one]"
"""A placeholder for the current password. No driver sees it, since the reset uses an API key."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What ``UpdateUser`` asks for: the candidate for a role's account.

    ``time_left`` returns the seconds until the call must have ended; 0 once the caller has given up, so that nothing is
    begun.
    """

    username: str
    password: Secret
    statements: tuple[str, ...]
    time_left: Callable[[], float]


def update(connection: Connection, memory: Memory, change: Change, clock: Clock) -> Evidence:
    """Set the account's password to the candidate; return the proof that it is live.

    Raises:
        RotationError: the candidate is not proved. ``InProgress`` while another call works on this account.
    """
    candidate = document(connection.spec, change.username, change.password, change.statements)
    binder = Binder(
        deployment=connection.deployment, fetch=lambda _: connection.admin, clock=clock, time_left=change.time_left
    )
    bound = binder(candidate)
    account = memory.account(identity(connection.spec, connection.deployment, bound.username, bound.account))
    if not account.busy.acquire(blocking=False):
        raise InProgress("a rotation of this account is already running; this one was not begun")
    try:
        account.begin(memory.token(change.password), since=clock.now() - bound.lockout.window_seconds)
        return _Rotation(account, binder, bound, candidate).run()
    finally:
        account.busy.release()


@dataclasses.dataclass(frozen=True, slots=True)
class _Rotation:
    account: AccountMemory
    binder: Binder
    bound: Guarded
    candidate: SecretDocument

    def run(self) -> Evidence:
        secret = self._remembered()
        self._raise_if_parked(secret)
        if not self.account.candidate:
            self._recognise(secret)
        session = open_session(
            MemoryStore(secret),
            self.binder,
            token=self.account.token,
            narrow=lambda _: self.bound,  # current and candidate are the same account here, whose admin is bound once
            announce=Announcer.of(self.binder, self._name),
        )
        try:
            run(session, Step.SET)
            evidence = run(session, Step.TEST).evidence
        finally:
            self.account.keep(secret.describe())
        if evidence is None:
            raise ConfigError("the engine reported success without proof")
        return evidence

    def _name(self) -> str:
        """Return how events name the account: Vault does not say the role's name."""
        own = self.binder.name(self.candidate).binding()
        return f"{own.driver}/{own.note}"

    def _remembered(self) -> MemorySecret:
        """Return the remembered marks as a secret that the engine can work with."""
        secret = MemorySecret(now=self.binder.clock.now)
        secret.put(BEFORE, self.candidate.replaced(password=_UNKNOWN), CURRENT)
        secret.put(self.account.token, self.candidate, PENDING)
        for version_id, kept in ((BEFORE, self.account.before), (self.account.token, self.account.candidate)):
            for mark in kept:
                secret.attach(mark.on(version_id), version_id)
        return secret

    def _raise_if_parked(self, secret: MemorySecret) -> None:
        parked = secret.describe().versions[BEFORE].parked
        if parked is not None and parked[1] > self.binder.clock.now():
            reason, until = parked
            parking.raise_parked(reason, until)

    def _recognise(self, secret: MemorySecret) -> None:
        """Mark the candidate as sent if the vendor shows it: a process that died had sent it."""
        if self.bound.observe().readback == self.candidate.password:
            secret.attach(marks.intent(self.binder.clock.now()).on(self.account.token), self.account.token)
