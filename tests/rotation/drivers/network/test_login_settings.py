"""What a vendor says about a database server becomes the login there, or none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rotation.core.values import LoginTarget
from rotation.drivers.network.login_settings import database_login

ACCOUNT = SimpleNamespace(username="app", certificate="", database="")


@pytest.mark.parametrize("port", [3306, "3306"])
def test_host_and_port_make_a_login(port: object) -> None:
    """What the account leaves empty counts as absent."""
    due = LoginTarget("mysql", "10.0.0.7", 3306, "app", None, None)
    assert database_login(ACCOUNT, "mysql", "10.0.0.7", port) == due


@pytest.mark.parametrize("host", [None, "", 7, ["10.0.0.7"]])
def test_without_a_host_there_is_no_login(host: object) -> None:
    """An answer of another form, or an instance that has no address yet, is no host."""
    assert database_login(ACCOUNT, "mysql", host, 3306) is None


@pytest.mark.parametrize("port", [None, "", 0, "03306", 1_000_000, "3306;", True])
def test_without_a_port_there_is_no_login(port: object) -> None:
    """Only a decimal number is one."""
    assert database_login(ACCOUNT, "mysql", "10.0.0.7", port) is None
