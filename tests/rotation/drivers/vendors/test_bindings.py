"""A binding holds everything that a value can say of its account, whatever the driver: see ``state.binding``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.network import login_settings
from rotation.drivers.registry import driver_codes
from rotation.engine.identity.named import Named, binding_for
from rotation_testkit.sandbox.sandbox import every_account, open_sandbox


@pytest.fixture(scope="module")
def accounts() -> Iterator[list[Named]]:
    """An account of every product, and those of a batch, as a deployment names them."""
    with open_sandbox(holding=tuple(every_account()), retry_delays=()) as world:
        binder = Binder(
            deployment=Deployment.from_environment(world.environment()),
            fetch=SecretDocument,
            clock=SystemClock(),
            time_left=lambda: 60.0,
        )
        values = [world.secrets_manager.value(name) for name in world.accounts.values()]
        documents = [json.loads(value.reveal()) for value in values if value is not None]
        yield [binder.name(SecretDocument(each)) for each in documents if "password" in each]


def _held(named: Named, account: object, username: str) -> tuple[str, ...]:
    pins = login_settings.pins(account)
    binding = binding_for(named.spec.code, account, username, pins, named.spec.not_identity)
    return binding.driver, binding.account, binding.place, binding.pin


def test_every_key_of_a_value_that_a_driver_reads_is_held(accounts: list[Named]) -> None:
    """Whichever one somebody changes, the binding is another one: account, address, port, key or certificate."""
    assert {each.spec.code for each in accounts} == set(driver_codes())
    for named in accounts:
        before = _held(named, named.account, named.username)
        assert _held(named, named.account, f"{named.username}x") != before
        for field in dataclasses.fields(named.account):
            value = getattr(named.account, field.name)
            other = value + 1 if isinstance(value, int) else f"{value}x"
            changed = dataclasses.replace(named.account, **{field.name: other})
            after = _held(named, changed, other if field.name == "username" else named.username)
            assert after != before, f"{named.spec.code}: {field.name}"
