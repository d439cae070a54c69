"""Acme Directory's driver: the kit's promises, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rotation.drivers import AccountLocked, AdminRejected, Secret, Verdict
from rotation_testkit.api import DriverConformance, DriverHarness

from acme_directory.driver import DRIVER, Admin
from acme_directory.simulator import CHECK, SET, AcmeSimulator, User

NAME = "robot.one"
TOKEN, OLD = Secret("Canary-token/1+a=z"), Secret("Canary-old/2+b=Zz")


@contextmanager
def served() -> Iterator[tuple[DriverHarness, AcmeSimulator]]:
    """One user."""
    simulator = AcmeSimulator(TOKEN)
    user = simulator.users[NAME] = User(OLD)
    with simulator.serve() as url:
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": NAME},
            admin=Admin(TOKEN),
            now=simulator.clock,
            live=lambda: user.password,
            changes=lambda: user.changes,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change=SET,
            check=CHECK,
            weak=Secret("aaaaaaaaaaaa"),
            wrong_login_code="WRONG_PASSWORD",
        )
        yield harness, simulator


class TestAcmeDirectory(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """One user."""
        with served() as (harness, _):
            yield harness


def test_a_wrong_token_is_the_administrators_trouble() -> None:
    """It says nothing about the password, and nothing was changed."""
    with served() as (harness, _):
        harness.admin = Admin(Secret("another-token"))
        with pytest.raises(AdminRejected) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.definite
        assert harness.changes() == 0


def test_a_locked_user_is_not_a_wrong_password() -> None:
    """While the lock lasts the vendor refuses the right password too."""
    with served() as (harness, _):
        for _ in range(5):
            assert harness.verdict(Secret("Wrong-password-1")) is Verdict.REJECTED
        with pytest.raises(AccountLocked):
            harness.verdict(OLD)


def test_the_check_needs_no_token() -> None:
    """It proves the user's password and not the administrator's right."""
    with served() as (harness, simulator):
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert not any(call.holds(TOKEN.reveal()) for call in simulator.captured)
