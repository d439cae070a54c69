"""The vendors' codes, as the drivers' tests list them."""

import tomllib
from pathlib import Path

import pytest

KINDS = ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG")


@pytest.fixture(scope="session")
def documented():
    """Return a driver's documented codes, and everything that the list says about the driver."""
    (path,) = Path(__file__).parents[3].rglob("vendor_codes.toml")
    listed = tomllib.loads(path.read_text())

    def codes(driver):
        return [code for kind in KINDS for code in listed[driver][kind]], listed[driver]

    return codes
