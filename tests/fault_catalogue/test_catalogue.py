"""Each of the 65 windows of the fault catalogue has a test with its mark; docs/faults.md names those held elsewhere."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "faults.md").read_text()
ELSEWHERE = {
    int(number): files for number, files in re.findall(r"^- \*\*W(\d+)\*\*[^`]*`(tests/\S+)`", PAGE, re.MULTILINE)
}


class Collector:
    """A pytest plug-in that notes where the tests of each window are."""

    def __init__(self):
        self.windows = {}

    def pytest_itemcollected(self, item):
        """Note the windows of a collected test."""
        for mark in item.iter_markers("window"):
            self.windows.setdefault(mark.args[0], set()).add(item.path)


def test_each_window_has_a_test():
    """Pytest itself collects a test with the mark of every window, in this folder or where the page says."""
    places = {number: set(ROOT.glob(files)) for number, files in ELSEWHERE.items()}
    assert all(places.values()), ELSEWHERE
    found = Collector()

    # without the conftests, whose canary listens already; collecting runs no fixture
    pytest.main(
        [
            "--collect-only",
            "-qq",
            "--noconftest",
            "-p",
            "no:cacheprovider",
            "-m",
            "window",
            HERE,
            *set().union(*places.values()),
        ],
        plugins=[found],
    )

    assert set(found.windows) == set(range(1, 66))
    assert {number for number, files in found.windows.items() if HERE not in {each.parent for each in files}} == set(
        places
    )
    assert all(found.windows[number] & files for number, files in places.items())
