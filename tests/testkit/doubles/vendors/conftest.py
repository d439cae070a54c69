"""The vendors' codes, as the drivers' tests list them."""

import tomllib
from pathlib import Path

import pytest

KINDS = ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG")


@pytest.fixture(scope="session")
def documented():
    """Return a driver's documented codes, and everything that the list says about the driver."""
    vendors = Path(__file__).parents[3] / "rotation" / "drivers" / "vendors"

    def codes(driver):
        listed = tomllib.loads((vendors / driver / "codes.toml").read_text())
        return [code for kind in KINDS for code in listed.get(kind, ())], listed

    return codes
