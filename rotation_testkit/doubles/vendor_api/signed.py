"""What simulators share whose calls a key pair signs: the keys of a vendor account."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.simulator import Simulator


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair; ``token`` makes it a temporary one, ``denied`` names the operations that its user may not call."""

    key_id: str
    secret: Secret
    token: Secret | None = None
    denied: frozenset[str] = frozenset()

    @classmethod
    def new(cls, *, token: Secret | None = None, denied: frozenset[str] = frozenset()) -> SigningKey:
        """Return a key that nobody has seen before."""
        return cls(secrets.token_hex(10).upper(), Secret(secrets.token_urlsafe(30)), token, denied)

    def accepts(self, token: str | None) -> bool:
        """Return whether the session token that came with a call is this key's."""
        return self.token == (None if token is None else Secret(token))


class SignedSimulator(Simulator):
    """A simulator with such keys.

    Attributes:
        credentials: the account's own key.
        keys: every key by its id.
    """

    credentials: SigningKey
    keys: dict[str, SigningKey]

    def sign_with(self, credentials: SigningKey | None) -> None:
        """Take the account's key, or a fresh one."""
        self.credentials = credentials or SigningKey.new()
        self.keys = {self.credentials.key_id: self.credentials}

    def add_key(self, *, token: Secret | None = None, denied: frozenset[str] = frozenset()) -> SigningKey:
        """Make another key."""
        key = SigningKey.new(token=token, denied=denied)
        self.keys[key.key_id] = key
        return key
