"""What the tests of every simulator use: its URL, and the vendor's codes as the drivers' tests list them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rotation_testkit.doubles.vendors.simulator import Simulator

KINDS = ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG")


@pytest.fixture
def url(sim: Simulator) -> Iterator[str]:
    """The base URL of the served simulator."""
    with sim.serve() as base:
        yield base


@pytest.fixture(scope="session")
def documented() -> Callable[[str], tuple[list[str], dict[str, Any]]]:
    """Return a driver's documented codes, and everything that the list says about the driver."""
    (path,) = Path(__file__).parents[3].rglob("vendor_codes.toml")
    listed = tomllib.loads(path.read_text())

    def codes(driver: str) -> tuple[list[str], dict[str, Any]]:
        return [code for kind in KINDS for code in listed[driver][kind]], listed[driver]

    return codes
