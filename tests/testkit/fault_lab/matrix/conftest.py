"""The committed page of faults."""

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[4] / "docs" / "faults.md"


@pytest.fixture(scope="session")
def rows():
    """Return the cells of every row of the committed page, in order."""
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in PAGE.read_text().splitlines()]
