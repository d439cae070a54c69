"""What simulators of managed databases share: instances, their accounts, and the server behind them.

Where a test runs a real server, ``DatabaseInstance.apply`` sets a password there; without one, the simulator's own
table decides, which a ``DatabaseDoor`` reads through ``logins``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rotation.core.secret import Secret


@dataclass(slots=True)
class DatabaseAccount:
    """One account of an instance; ``resets`` took effect, ``attempts`` counts every request that named it."""

    name: str
    password: Secret
    resets: int = 0
    attempts: int = 0


@dataclass(slots=True, kw_only=True)
class DatabaseInstance:
    """One instance. Tests may flip its fields while it is served.

    Attributes:
        instance_id: the vendor's id.
        engine: the vendor's word for it.
        status: the vendor's word for its state.
        host: its private address.
        public: its public address; empty where it has none.
        port: where its server listens.
        accounts: by name.
        apply: sets a password at the server behind it.
    """

    instance_id: str
    engine: str
    status: str
    host: str = "127.0.0.1"
    public: str = ""
    port: int = 0
    accounts: dict[str, DatabaseAccount] = field(default_factory=dict)
    apply: Callable[[str, Secret], None] = lambda _name, _password: None

    def add(self, name: str, password: Secret) -> DatabaseAccount:
        """Create an account; its password at the server behind is the caller's own affair."""
        made = self.accounts[name] = DatabaseAccount(name, password)
        return made

    def reset(self, name: str, password: Secret) -> None:
        """Put a password in force."""
        account = self.accounts[name]
        self.apply(name, password)
        account.password = password
        account.resets += 1

    def logins(self) -> Mapping[str, Secret]:
        """Return the passwords that are in force."""
        return {name: account.password for name, account in self.accounts.items()}
