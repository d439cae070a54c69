"""A real MariaDB, from Debian's packages, which ``.ci/debian-packages`` unpacks without root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from rotation_testkit.databases.server import HOST, Server, free_port, run

OWNER, OWNER_PASSWORD = "owner", "owner-of-the-test"
PACKAGES = Path(__file__).parents[2] / ".venv/mariadb"
"""Where ``make test`` unpacks the packages."""
_SMALL = (
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
)


@dataclass(frozen=True, slots=True)
class MariaDb:
    """A running server.

    Attributes:
        port: where it listens on loopback.
    """

    port: int

    def run(self, *statements: str) -> None:
        """Run statements as the server's owner."""
        connection = self.connect()
        try:
            for statement in statements:
                connection.query(statement)
        finally:
            connection.close()

    def connect(self) -> pymysql.Connection[Any]:
        """Connect as the server's owner."""
        return pymysql.connect(host=HOST, port=self.port, user=OWNER, password=OWNER_PASSWORD, ssl_disabled=True)


def missing(packages: Path) -> str | None:
    """Return why no server can be started here, or ``None``."""
    reason = packages / "missing"
    if reason.exists():
        return reason.read_text().strip()
    return None if (packages / "root").is_dir() else "`make test` has not unpacked its packages"


@contextmanager
def mariadb(packages: Path, home: Path, *settings: str) -> Iterator[MariaDb]:
    """Run a new server.

    Args:
        packages: the folder that ``.ci/debian-packages`` filled.
        home: an empty folder.
        settings: arguments of the server, such as ``--ssl-cert``.
    """
    root = packages / "root"
    texts, data, passing = root / "usr/share/mysql", home / "data", home / "tmp"
    data.mkdir()
    passing.mkdir()  # a server that starts removes what others have left in its own, also what they use
    libraries = {"LD_LIBRARY_PATH": ":".join(str(each) for each in root.glob("*/lib/*-linux-gnu"))}
    libraries["LD_LIBRARY_PATH"] += "".join(f":{each}" for each in root.glob("lib/*-linux-gnu"))
    fixed = [
        str(root / "usr/sbin/mariadbd"),
        "--no-defaults",
        f"--datadir={data}",
        f"--tmpdir={passing}",
        f"--lc-messages-dir={texts}",
        f"--character-sets-dir={texts}/charsets",
        f"--plugin-dir={root}/usr/lib/mysql/plugin",
        *_SMALL,
    ]
    tables = "".join(
        (texts / f"mysql_{name}.sql").read_text()
        for name in ("system_tables", "performance_tables", "system_tables_data")
    )
    owner = f"GRANT ALL ON *.* TO '{OWNER}'@'{HOST}' IDENTIFIED BY '{OWNER_PASSWORD}' WITH GRANT OPTION;\n"
    script = f"CREATE DATABASE mysql;\nUSE mysql;\n{tables}\nFLUSH PRIVILEGES;\n{owner}"
    run([*fixed, "--bootstrap"], text=script, environment=libraries)
    port = free_port()
    server = MariaDb(port)

    def is_up() -> bool:
        try:
            server.connect().close()
        except pymysql.OperationalError:
            return False
        return True

    place = [f"--port={port}", f"--bind-address={HOST}", f"--socket={home}/socket", "--skip-name-resolve"]
    with Server(command=[*fixed, *place, *settings], home=home, port=port, is_up=is_up, environment=libraries):
        yield server
