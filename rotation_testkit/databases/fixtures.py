"""Pytest fixtures: one real server of each kind for each worker that needs it; tests make accounts of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from rotation_testkit.databases.server import HOST

if TYPE_CHECKING:
    from rotation_testkit.databases.mariadb import MariaDb
    from rotation_testkit.databases.postgresql import PostgreSql
    from rotation_testkit.doubles.hosts.certificate import Certificate


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSql]:
    """Yield a PostgreSQL without TLS."""
    from rotation_testkit.databases.postgresql import postgresql

    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariaDb, Certificate]]:
    """Yield a MariaDB with TLS, and its certificate."""
    from rotation_testkit.databases.mariadb import PACKAGES, mariadb
    from rotation_testkit.doubles.hosts.certificate import Certificate

    folder, certificate = tmp_path_factory.mktemp("certificate"), Certificate(HOST)
    certificate.context(folder)
    shown = (f"--ssl-cert={folder}/tls.pem", f"--ssl-key={folder}/tls.pem")
    with mariadb(PACKAGES, tmp_path_factory.mktemp("mariadb"), *shown) as server:
        yield server, certificate
