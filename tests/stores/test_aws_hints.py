"""Whatever Secrets Manager or a vendor's table says, whoever is on call is told what to do next."""

from __future__ import annotations

import pytest

from rotation.drivers import registry
from rotation.stores.aws import secrets_manager


@pytest.mark.parametrize("code", [*secrets_manager._ERRORS, "ThrottlingException", ""])
def test_each_refusal_of_the_store_has_a_hint(code: str) -> None:
    """Those of a deleted secret and of a refused parameter have hints of their own."""
    error = secrets_manager._translated({"Error": {"Code": code}})
    assert error.hint.endswith(".")
    own = code in {"InvalidRequestException", "InvalidParameterException", "ValidationException"}
    assert (error.hint != type(error).default_hint) is own
    assert own is ("aws secretsmanager" in error.hint)


@pytest.mark.parametrize("driver", sorted(registry.driver_codes()))
def test_each_row_of_a_drivers_table_has_a_hint(driver: str) -> None:
    """The row's own, or that of its class."""
    table = registry.load_driver(driver).error_table
    assert not [row.vendor_code for row in table if not (row.hint or row.error.default_hint)]
