"""``docs/errors.md`` has every error code and every reason for parking, with the hints of the code."""

import runpy
from pathlib import Path

from rotation.state.parking import PARKING, Reason

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/errors.md").read_text()


def test_the_page_is_up_to_date() -> None:
    """Write it again by ``.venv/bin/python .ci/errors_page.py > errors.md && mv errors.md docs/errors.md``."""
    assert runpy.run_path(str(ROOT / ".ci/errors_page.py"))["page"]() == PAGE


def test_each_reason_for_parking_says_what_to_do() -> None:
    """The page and the label, the log line and ``--json`` use the same word."""
    assert [reason for reason in Reason if f"| `{reason}` | " not in PAGE or not PARKING[reason].hint] == []


def test_no_code_stands_on_the_page_twice() -> None:
    """Each code has one row, and each row says what to do."""
    rows = [line.split(" | ") for line in PAGE.partition("## The settings")[2].splitlines() if line.startswith("| `")]
    codes = [cells[0] for cells in rows]
    assert len(codes) > 40
    assert sorted(set(codes)) == sorted(codes)
    assert [cells[0] for cells in rows if len(cells[-1].removesuffix(" |")) < 10] == []
