"""Real database servers behind simulated vendors, one of each kind for all tests of a process."""

from dataclasses import dataclass

import pytest

from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.registry import login_probe
from rotation_testkit.databases.mariadb import MariaDb
from rotation_testkit.databases.postgresql import PostgreSql

HOST = "127.0.0.1"


@dataclass
class RealDatabase:
    """A server at which a simulated vendor's resets take effect.

    Attributes:
        kind: the login probe's name.
        pin: its certificate's; ``None`` where it has none.
    """

    kind: str
    server: MariaDb | PostgreSql
    pin: str | None = None

    def create(self, name, password):
        """Make an account, or put an earlier test's back."""
        if self.kind == "mysql":
            self.server.run(f"CREATE OR REPLACE USER {name}@'{HOST}' IDENTIFIED BY '{password.reveal()}'")
            return
        self.server.run(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD '{password.reveal()}'")

    def lets_in(self, document):
        """Return whether a reader gets in who has this account document."""
        target = LoginTarget(self.kind, HOST, self.server.port, document["username"], self.pin)
        probe = login_probe(self.kind, time_left=lambda: 60.0)
        return probe.login(target, Secret(document["password"])) is Verdict.ACCEPTED

    def set(self, name, password):
        """Do what the vendor's reset does."""
        how = f"USER {name}@'{HOST}' IDENTIFIED BY" if self.kind == "mysql" else f"ROLE {name} PASSWORD"
        self.server.run(f"ALTER {how} '{password.reveal()}'")


@pytest.fixture
def real_postgresql(postgresql_server):
    """A real PostgreSQL, without TLS."""
    return RealDatabase("postgresql", postgresql_server)


@pytest.fixture
def real_mariadb(mariadb_server):
    """A real MariaDB with TLS."""
    server, certificate = mariadb_server
    return RealDatabase("mysql", server, certificate.fingerprint)


@pytest.fixture
def database(request):
    """The server that a test names by its fixture."""
    return request.getfixturevalue(request.param)
