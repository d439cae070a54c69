"""What simulators of managed databases share: instances by id, their accounts, and the server behind them.

Where a test runs a real server, ``DatabaseInstance.apply`` sets a password there; without one, the simulator's own
table decides, which a ``DatabaseDoor`` reads through ``logins``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.simulator import Simulator


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


class DatabaseSimulator(Simulator):
    """A simulator of instances that all stand under one address.

    Attributes:
        running: the vendor's word for the state of an instance that runs.
        instances: by id.
        reset_delay: seconds until a reset is in force; the answer comes at once.
    """

    running: ClassVar[str]

    def __init__(self, *, clock: Callable[[], float], faults: FaultPlan | None) -> None:
        super().__init__(clock=clock, faults=faults)
        self.instances: dict[str, DatabaseInstance] = {}
        self.reset_delay = 0.0

    def add_instance(self, instance_id: str, *, engine: str = "PostgreSQL", port: int = 5432) -> DatabaseInstance:
        """Create an instance without accounts; its fields are switches."""
        made = DatabaseInstance(instance_id=instance_id, engine=engine, status=self.running, port=port)
        self.instances[instance_id] = made
        return made

    def account(self, instance_id: str, name: str) -> DatabaseAccount:
        """Return an account as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.instances[instance_id].accounts[name]
