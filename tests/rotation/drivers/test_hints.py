"""Every error of a vendor's table says what to do next."""

import pytest

from rotation.drivers import registry


@pytest.mark.parametrize("driver", sorted(registry.driver_codes()))
def test_each_row_of_a_drivers_table_has_a_hint(driver):
    """The row's own, or that of its class."""
    table = registry.load_driver(driver).error_table
    assert not [row.vendor_code for row in table if not (row.hint or row.error.default_hint)]
