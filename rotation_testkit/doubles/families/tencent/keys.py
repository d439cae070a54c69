"""The keys of an account at Tencent, and times as the vendor writes them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from rotation.core.secret import Secret

_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key pair of the account.

    ``token`` makes it a temporary key, good only together with that token; ``denied`` lists actions that it may not do.
    """

    secret_id: str
    secret_key: Secret
    token: Secret | None = None
    denied: frozenset[str] = frozenset()

    def accepts(self, token: str | None) -> bool:
        """Return whether the session token that came with a call is this key's."""
        return self.token == (None if token is None else Secret(token))


def new_key() -> SecretKey:
    """Make a key."""
    return SecretKey("AKID" + secrets.token_hex(16), Secret(secrets.token_hex(16)))


def china_time(seconds: float) -> str:
    """Return ``2016-10-11 19:54:37``, the vendor's local time."""
    return datetime.fromtimestamp(seconds, _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def utc_day(seconds: float) -> str:
    """Return ``2019-02-25``, the day in a signature's scope."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
