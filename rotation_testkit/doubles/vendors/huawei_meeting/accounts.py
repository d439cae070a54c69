"""Meeting accounts, their lock-out and their tokens, as the simulated vendor keeps them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Refused
from rotation_testkit.doubles.vendors.huawei_meeting.rules import MeetingRules

API_CLIENT = 72
_DAY = 86_400


@dataclass(slots=True)
class MeetingAccount:
    """One user. Tests may flip its switches while it is served."""

    account: str
    password: Secret
    changed_at: float
    user_id: str
    name: str
    corp_id: str = ""
    admin: bool = False
    disabled: bool = False
    activated: bool = True
    captcha: str | None = None
    sso: bool = False
    huawei_account: bool = False
    changeable: bool = True
    first_login: bool = False
    changes: int = 0
    wrong_logins: int = 0
    recent: list[Secret] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)
    locked_until: float = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What a password may not contain: the account, its part before the domain, the user's name."""
        return (self.account, self.account.partition("@")[0], self.name)

    def view(self) -> dict[str, object]:
        """Return the user as answers show it."""
        return {
            "userId": self.user_id,
            "ucloginAccount": self.account,
            "companyId": self.corp_id,
            "userType": 2,
            "adminType": 0 if self.admin else 2,
            "name": self.name,
            "status": int(self.disabled),
        }


@dataclass(slots=True)
class Token:
    """An access token with its refresh token. Times are seconds since the epoch."""

    access: str
    refresh: str
    account: str
    client_type: int
    created: float
    expires: float
    refresh_expires: float
    kicked: bool = False


class AccountDirectory:
    """Accounts and tokens. ``clock`` is the simulator's."""

    def __init__(self, clock: Callable[[], float], rules: MeetingRules) -> None:
        self.clock = clock
        self.rules = rules
        self.accounts: dict[str, MeetingAccount] = {}
        self._tokens: list[Token] = []

    def check_password(self, account: MeetingAccount, presented: str, code: str) -> None:
        """Compare a password and count failures. Raises ``Refused`` when locked, or with ``code`` when wrong."""
        self.check_lock(account)
        now = self.clock()
        if account.password == Secret(presented):
            account.failures.clear()
            return
        account.wrong_logins += 1
        account.failures = [at for at in account.failures if now - at < self.rules.lock_window] + [now]
        if len(account.failures) >= self.rules.lock_after:
            account.locked_until = now + self.rules.lock_seconds
            account.failures.clear()
        raise Refused(code)

    def check_lock(self, account: MeetingAccount) -> None:
        """Raise ``Refused`` while the account is locked."""
        if self.clock() < account.locked_until:
            raise Refused("206030015")

    def change(self, account: MeetingAccount, new: Secret) -> None:
        """Put a new password in force."""
        account.recent.append(account.password)
        account.password, account.changed_at = new, self.clock()
        account.changes += 1
        account.first_login = False
        account.failures.clear()
        if self.rules.tokens_die_on_change:
            self._tokens = [token for token in self._tokens if token.account != account.account]

    def recent(self, account: MeetingAccount) -> list[str]:
        """Return the passwords that may not come again."""
        depth = self.rules.history
        return [value.reveal() for value in account.recent[-depth:]] if depth else []

    def age_days(self, account: MeetingAccount) -> float:
        """Return the age of an account's password in days."""
        return (self.clock() - account.changed_at) / _DAY

    def issue(self, account: MeetingAccount, client_type: int) -> Token:
        """Make a token: API clients keep up to 64 and lose the oldest; other clients kick their earlier session."""
        now = self.clock()
        earlier = [token for token in self._live(account) if token.client_type == client_type]
        if client_type == API_CLIENT:
            for token in earlier[: max(0, len(earlier) + 1 - self.rules.most_tokens)]:
                self._tokens.remove(token)
        else:
            for token in earlier:
                token.kicked = True
        fresh = Token(
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            account.account,
            client_type,
            now,
            now + self.rules.token_seconds,
            now + self.rules.refresh_seconds,
        )
        self._tokens.append(fresh)
        return fresh

    def token(self, access: str) -> Token:
        """Return a valid token. Raises ``Refused`` when it is unknown, expired or kicked out."""
        return self._find(access, lambda token: (token.access, token.expires))

    def by_refresh(self, refresh: str) -> Token:
        """Return the token that a valid refresh token belongs to. Raises ``Refused`` as ``token`` does."""
        return self._find(refresh, lambda token: (token.refresh, token.refresh_expires))

    def drop(self, token: Token) -> None:
        """Forget a token."""
        self._tokens.remove(token)

    def live_tokens(self, account: str) -> int:
        """Return how many valid tokens an account has."""
        return len(self._live(self.accounts[account]))

    def _find(self, value: str, facts: Callable[[Token], tuple[str, float]]) -> Token:
        for token in self._tokens:
            text, expires = facts(token)
            if secrets.compare_digest(text.encode(), value.encode()):
                if token.kicked:
                    raise Refused("206020002")
                if self.clock() < expires:
                    return token
        raise Refused("206020000")

    def _live(self, account: MeetingAccount) -> list[Token]:
        now = self.clock()
        mine = (token for token in self._tokens if token.account == account.account)
        return [token for token in mine if not token.kicked and now < token.expires]
