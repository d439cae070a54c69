"""The users of a simulated account: their passwords and locks, tokens, and the account's two policies."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Refused
from rotation_testkit.doubles.vendor_api.second_opinion import kinds

WRONG, LOCKED, UNKNOWN_TOKEN = "IAM.0062", "IAM.0061", "IAM.0001"
_MINUTE, _TOKEN_LIFE, _LONGEST = 60, 86_400, 32


@dataclass(slots=True)
class IamPolicies:
    """The account's policies, as the console sets them, and two points that no page settles. Ages are minutes.

    Attributes:
        young_code: how a password that is too young is refused; ``reused_code`` one of the last.
        age_binds_resets: whether the minimum age binds an administrator's reset, too.
    """

    min_length: int = 6
    classes: int = 2
    max_repeat: int = 0
    not_username: bool = True
    min_age: int = 0
    history: int = 1
    tries: int = 5
    period: int = 15
    lock: int = 15
    young_code: str = "1118"
    reused_code: str = "1108"
    age_binds_resets: bool = True


@dataclass(slots=True)
class IamUser:
    """One user; its fields are switches."""

    user_id: str
    name: str
    password: Secret
    changed_at: float
    enabled: bool = True
    access_mode: str = "default"
    must_change: bool = False
    changes: int = 0
    wrong_logins: int = 0
    wrong_at: list[float] = field(default_factory=list)
    locked_until: float = 0
    former: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Users:
    """All users and tokens of the account."""

    clock: Callable[[], float]
    policies: IamPolicies
    by_id: dict[str, IamUser] = field(default_factory=dict)
    tokens: dict[str, tuple[IamUser, float]] = field(default_factory=dict)

    def log_in(self, name: object, password: object) -> IamUser:
        """Return the user that name and password open."""
        user = next((each for each in self.by_id.values() if each.name == name), None)
        if user is None:
            raise Refused(WRONG)
        now = self.clock()
        if now < user.locked_until:
            raise Refused(LOCKED)
        if not isinstance(password, str) or user.password != Secret(password):
            user.wrong_logins += 1
            since = now - _MINUTE * self.policies.period
            user.wrong_at = [*(at for at in user.wrong_at if at > since), now]
            if len(user.wrong_at) >= self.policies.tries:
                user.locked_until, user.wrong_at = now + _MINUTE * self.policies.lock, []
            raise Refused(WRONG)
        if not user.enabled or user.access_mode == "console":
            raise Refused("IAM.0082" if user.access_mode != "console" else "IAM.0081")
        return user

    def open(self, user: IamUser) -> str:
        """Return a new token of a user."""
        token = f"MII{secrets.token_urlsafe(600)}"
        self.tokens[token] = (user, self.clock() + _TOKEN_LIFE)
        return token

    def of_token(self, token: str | None) -> IamUser:
        """Return the user whose valid token this is."""
        user, until = self.tokens.get(token or "", (None, 0.0))
        if user is None or self.clock() >= until:
            raise Refused(UNKNOWN_TOKEN)
        return user

    def check(self, user: IamUser, password: object, *, reset: bool) -> Secret:
        """Return a password that the account's policy takes for the user."""
        if not isinstance(password, str):
            raise Refused("IAM.1102", "password")
        rules, now = self.policies, self.clock()
        longest = max((len(list(run)) for _, run in itertools.groupby(password)), default=0)
        named = rules.not_username and password.lower() in {user.name.lower(), user.name.lower()[::-1]}
        repeats = rules.max_repeat and longest > rules.max_repeat
        if not rules.min_length <= len(password) <= _LONGEST or kinds(password) < rules.classes or named or repeats:
            raise Refused("1118")
        bound = rules.age_binds_resets or not reset
        if bound and now < user.changed_at + _MINUTE * rules.min_age:
            raise Refused(rules.young_code)
        if password in [user.password.reveal(), *user.former][: max(1, rules.history)]:
            raise Refused(rules.reused_code)
        return Secret(password)

    def change(self, user: IamUser, password: Secret) -> None:
        """Put a password in force, which ends the user's tokens."""
        user.former = [user.password.reveal(), *user.former]
        user.password, user.changed_at = password, self.clock()
        user.changes += 1
        self.tokens = {token: opened for token, opened in self.tokens.items() if opened[0] is not user}
