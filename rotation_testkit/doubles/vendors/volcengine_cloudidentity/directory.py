"""The user directory of cloudidentity: users, login settings, and the vendor's password rule as a check."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from rotation.core.secret import Secret

_CHINA = timezone(timedelta(hours=8))
_CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
_SHORTEST, _LONGEST, _KINDS = 8, 32, 3
_GENERATED = 16


@dataclass(slots=True)
class User:
    """One user. Tests may flip its switches while it is served."""

    user_id: str
    user_name: str
    password: Secret | None  # None: the user has no login profile yet
    source: str = "Manual"  # or "Sync": mastered in another directory
    display_name: str = ""
    description: str = ""
    email: str = ""
    phone: str = ""
    created: float = 0
    updated: float = 0
    must_change: bool = False  # the next portal login asks for a new password
    changing: int = 0
    resets: int = 0
    attempts: int = 0

    def view(self) -> dict[str, object]:
        """Return the vendor's view of this user; there is no password in it."""
        return {
            "UserId": self.user_id,
            "UserName": self.user_name,
            "DisplayName": self.display_name,
            "Description": self.description,
            "Email": self.email,
            "Phone": self.phone,
            "Source": self.source,
            "CreatedTime": china_time(self.created),
            "UpdatedTime": china_time(self.updated),
        }


@dataclass(slots=True)
class Directory:
    """Users and settings of one instance of the service.

    The vendor publishes no values for the statuses, which special characters count, nor whether a reset moves a user's
    UpdatedTime: those are attributes.
    """

    clock: Callable[[], float]
    users: dict[str, User] = field(default_factory=dict)
    login_settings: dict[str, bool] = field(default_factory=lambda: {"Password": True, "SAMLSSO": False})
    running_status: str = "Enabled"
    status: str = "Enabled"
    on_off: tuple[str, str] = ("Enabled", "Disabled")
    specials: str = string.punctuation
    reset_moves_updated: bool = True
    made: int = 0

    @property
    def running(self) -> bool:
        """Whether the service can be used."""
        return self.status == self.running_status

    def make(self, user_name: str, password: Secret | None, *, user_id: str = "", source: str = "Manual") -> User:
        """Return a new user, not yet in the directory."""
        self.made += 1
        now = self.clock()
        return User(user_id or f"u-{self.made:06d}", user_name, password, source, created=now, updated=now)

    def weakness(self, password: str) -> str | None:
        """Return which part of the vendor's rule a password breaks, or ``None``."""
        kinds = (*_CLASSES, self.specials)
        if not _SHORTEST <= len(password) <= _LONGEST:
            return "length"
        if any(all(letter not in kind for kind in kinds) for letter in password):
            return "character"
        if sum(any(letter in kind for letter in password) for kind in kinds) < _KINDS:
            return "kinds"
        return None

    def generate(self) -> str:
        """Return a password as GenerateRandomPassword would."""
        while True:
            password = "".join(secrets.choice("".join(_CLASSES) + "!@#$") for _ in range(_GENERATED))
            if self.weakness(password) is None:
                return password

    def reset(self, user: User, password: Secret, *, must_change: bool) -> None:
        """Put a password in force."""
        user.password, user.must_change = password, must_change
        user.resets += 1
        if self.reset_moves_updated:
            user.updated = self.clock()


def china_time(seconds: float) -> str:
    """Return ``2024-07-22T21:53:54+08:00``."""
    return datetime.fromtimestamp(int(seconds), _CHINA).isoformat()
