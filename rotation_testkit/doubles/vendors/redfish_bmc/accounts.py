"""The accounts of a simulated management controller: passwords, lock-out, sessions, and the device's own rules."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Refused
from rotation_testkit.doubles.vendor_api.second_opinion import kinds

WRONG = "ResourceAtUriUnauthorized"


@dataclass(slots=True)
class DeviceRules:
    """What devices differ in. Tests may change it while the simulator is served.

    Attributes:
        lengths: the shortest and the longest password; ``None`` as the longest says nothing of it.
        tells_lengths: whether AccountService names them.
        threshold: the wrong login that locks; 0 never locks.
        duration: seconds that a lock holds.
        wants_etag: whether a change without If-Match is refused with 428.
        task_seconds: seconds until a change is made; above 0 the answer is 202 with a task.
        task_fails: whether the task ends without a change.
        bare_refusals: whether refusals have a status and no message.
        change_answer: 200 with the account, or 204 with nothing.
        must_change: whether the next login asks for another password.
        own_call_only: whether passwords must be changed by an action of their own.
        counter_reset: whether wrong logins are forgotten after a time.
        maker: whose the device is. Lenovo's refuses three of one character in a row, and does not tell it.
    """

    lengths: tuple[int, int | None] = (8, 20)
    tells_lengths: bool = True
    threshold: int = 5
    duration: int = 300
    wants_etag: bool = False
    task_seconds: float = 0
    task_fails: bool = False
    bare_refusals: bool = False
    change_answer: int = 200
    must_change: bool = False
    own_call_only: bool = False
    counter_reset: bool = True
    maker: str = "Example"


@dataclass(slots=True)
class DeviceAccount:
    """One account; its fields are switches."""

    account_id: str
    username: str
    password: Secret
    role: str = "Operator"
    enabled: bool = True
    version: int = 1
    changes: int = 0
    wrong_logins: int = 0
    wrong_in_a_row: int = 0
    locked_until: float = 0

    @property
    def etag(self) -> str:
        """Names the account's state."""
        return f'"{self.account_id}-{self.version}"'


@dataclass(slots=True)
class Accounts:
    """All accounts and sessions of a device."""

    clock: Callable[[], float]
    rules: DeviceRules
    by_id: dict[str, DeviceAccount] = field(default_factory=dict)
    sessions: dict[str, tuple[str, DeviceAccount]] = field(default_factory=dict)

    def locked(self, account: DeviceAccount) -> bool:
        """Return whether the account is locked now."""
        return self.clock() < account.locked_until

    def log_in(self, username: str, password: str) -> DeviceAccount:
        """Return the account that name and password open; a locked one looks like a wrong password."""
        account = next((each for each in self.by_id.values() if each.username == username), None)
        if account is None or not account.enabled:
            raise Refused(WRONG)
        if account.password != Secret(password):
            account.wrong_logins += 1
            account.wrong_in_a_row += 1
            if self.rules.threshold and account.wrong_in_a_row >= self.rules.threshold:
                account.locked_until, account.wrong_in_a_row = self.clock() + self.rules.duration, 0
            raise Refused(WRONG)
        if self.locked(account):
            raise Refused(WRONG)
        account.wrong_in_a_row = 0
        return account

    def open_session(self, account: DeviceAccount) -> tuple[str, str]:
        """Return id and token of a new session."""
        session_id, token = secrets.token_hex(4), secrets.token_hex(16)
        self.sessions[token] = (session_id, account)
        return session_id, token

    def check(self, account: DeviceAccount, password: object) -> Secret:
        """Return a password that the device takes for the account."""
        if not isinstance(password, str):
            raise Refused("PropertyValueTypeError", "Password")
        shortest, longest = self.rules.lengths
        weak = kinds(password) < 3 or account.username.lower() in password.lower()  # noqa: PLR2004 - this device's rule
        if self.rules.maker == "Lenovo" and re.search(r"(.)\1\1", password):
            weak = True
        if weak or not shortest <= len(password) <= (longest or 1000):
            raise Refused("PropertyValueError", "Password")
        return Secret(password)

    def change(self, account: DeviceAccount, password: Secret) -> None:
        """Put a password in force; sessions of the account go on, as the standard leaves open."""
        account.password = password
        account.version += 1
        account.changes += 1
        account.wrong_in_a_row = 0
