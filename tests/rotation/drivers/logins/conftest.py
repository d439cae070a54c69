"""Real database servers, one of each for all tests of a process, and a certificate that they prove themselves by."""

import hashlib

import pytest

from rotation.core.errors import CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.network.login_probe import DEFAULT_TERMS
from rotation.drivers.registry import login_probe
from rotation_testkit.databases.mariadb import PACKAGES, mariadb
from rotation_testkit.databases.postgresql import postgresql
from rotation_testkit.databases.valkey import valkey
from rotation_testkit.doubles.hosts.certificate import Certificate

HOST = "127.0.0.1"
RIGHT = "Canary-right/1+a:b\u00e4"
RULES = (
    f"host all trusty {HOST}/32 trust",
    f"host all clear {HOST}/32 password",
    f"host all old {HOST}/32 md5",
    f"host all stranger {HOST}/32 reject",
    "host all elsewhere 10.0.0.0/8 scram-sha-256",
    f"host all elsewhere {HOST}/32 reject",
)
ROLES = ("robot", "trusty", "clear", "old", "stranger", "elsewhere")


class Attempts:
    """Logins at a server, as the engine makes them."""

    def __init__(self, kind):
        self.kind = kind

    def target(self, port, username="robot", *, pin=None, database=None, host=HOST):
        """Return a target of this kind."""
        return LoginTarget(self.kind, host, port, username, pin, database)

    def log_in(self, target, password=RIGHT, *, terms=DEFAULT_TERMS, left=30.0):
        """Return the verdict of one login."""
        return login_probe(self.kind, time_left=lambda: left, terms=terms).login(target, Secret(password))

    def refused(self, target, password=RIGHT, **options):
        """Return why a login could not tell."""
        with pytest.raises(CannotVerify) as caught:
            self.log_in(target, password, **options)
        assert caught.value.vendor_code
        assert caught.value.hint
        return caught.value


@pytest.fixture
def attempts():
    """The class that makes logins."""
    return Attempts


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """A certificate for this machine, and the folder with its files: ``tls.pem`` with the key, ``ca.pem`` without."""
    made, folder = Certificate(HOST), tmp_path_factory.mktemp("certificate")
    made.context(folder)
    (folder / "ca.pem").write_bytes(made.pem)
    return made, folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A PostgreSQL with accounts of every sort."""
    with postgresql(tmp_path_factory.mktemp("postgresql"), RULES, password_encryption="scram-sha-256") as server:
        roles = [f"CREATE ROLE {name} LOGIN PASSWORD '{RIGHT}'" for name in ROLES if name != "old"]
        server.run(
            *roles,
            f"CREATE ROLE limited LOGIN PASSWORD '{RIGHT}' CONNECTION LIMIT 0",
            f"CREATE ROLE nologin PASSWORD '{RIGHT}'",
            f"CREATE ROLE expired LOGIN PASSWORD '{RIGHT}' VALID UNTIL '2020-01-01'",
            "CREATE DATABASE closed ALLOW_CONNECTIONS false",
            "CREATE DATABASE private",
            "REVOKE CONNECT ON DATABASE private FROM PUBLIC",
        )
        yield server


@pytest.fixture(scope="session")
def valkey_port(tmp_path_factory):
    """The port of a Valkey with a password, and users of every sort."""
    # The server takes the SHA-256 of a password, too, so that none stands in the file.
    shown = f"#{hashlib.sha256(RIGHT.encode()).hexdigest()}"
    accounts = [f"user {name} on {shown} ~* +@all" for name in ("default", "robot")]
    accounts += [f"user mute on {shown} -@all", f"user off off {shown} +@all"]
    folder = tmp_path_factory.mktemp("valkey")
    (folder / "users.acl").write_text("\n".join(accounts) + "\n")
    with valkey(folder, "--aclfile", str(folder / "users.acl")) as port:
        yield port


@pytest.fixture(scope="session")
def maria(tmp_path_factory, shown):
    """A MariaDB with TLS and accounts of every sort."""
    _, folder = shown
    settings = (f"--ssl-cert={folder}/tls.pem", f"--ssl-key={folder}/tls.pem", "--max-connections=10")
    with mariadb(PACKAGES, tmp_path_factory.mktemp("mariadb"), *settings, "--max-password-errors=3") as server:
        account = f"@'{HOST}' IDENTIFIED BY '{RIGHT}'"
        server.run(
            f"CREATE USER robot{account}",
            f"CREATE USER locked{account} ACCOUNT LOCK",
            f"CREATE USER expired{account} PASSWORD EXPIRE",
            f"CREATE USER elsewhere@'10.0.0.1' IDENTIFIED BY '{RIGHT}'",
            f"CREATE USER once{account} WITH MAX_CONNECTIONS_PER_HOUR 1",
            f"CREATE USER limited{account} WITH MAX_USER_CONNECTIONS 1",
            f"CREATE USER forgetful{account}",
            f"CREATE USER socket@'{HOST}' IDENTIFIED VIA unix_socket",
            "CREATE DATABASE private",
            f"GRANT ALL ON `allowed`.* TO robot@'{HOST}'",
        )
        yield server
