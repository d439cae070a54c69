"""The pages that are written by a script: settings, errors, and the manual page."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from rotation.deployment.deployment import SETTINGS
from rotation.state.parking import PARKING, Reason

ROOT = Path(__file__).parents[2]
OPTIONS, ERRORS, MANUAL = ((ROOT / f"docs/{name}").read_text() for name in ("settings.md", "errors.md", "lockstep.1"))


@pytest.mark.parametrize(
    ("script", "page", "takes"),
    [("settings_page", OPTIONS, [OPTIONS]), ("errors_page", ERRORS, []), ("man_page", MANUAL, [])],
    ids=["settings", "errors", "manual"],
)
def test_the_page_is_up_to_date(script: str, page: str, takes: list[str]) -> None:
    """Write it again as the script's header says, such as by ``.venv/bin/python .ci/errors_page.py > errors.md``."""
    assert runpy.run_path(str(ROOT / f".ci/{script}.py"))["page"](*takes) == page


def test_every_setting_stands_on_the_page() -> None:
    """A setting without a table for it would be missing silently."""
    assert [each.variable() for each in SETTINGS if not each.table and f"| `{each.key}` |" not in OPTIONS] == []
    assert [each.variable() for each in SETTINGS if each.table and f"| `{each.variable()}` |" not in OPTIONS] == []


def test_every_setting_says_what_it_is() -> None:
    """Help is a sentence, and it needs no second place."""
    assert [each.key for each in SETTINGS if not each.help.endswith(".")] == []


def test_each_reason_for_parking_says_what_to_do() -> None:
    """The page and the label, the log line and ``--json`` use the same word."""
    assert [reason for reason in Reason if f"| `{reason}` | " not in ERRORS or not PARKING[reason].hint] == []


def test_no_code_stands_on_the_page_twice() -> None:
    """Each code has one row, and each row says what to do."""
    rows = [line.split(" | ") for line in ERRORS.partition("## The settings")[2].splitlines() if line.startswith("| `")]
    codes = [cells[0] for cells in rows]
    assert len(codes) > 40
    assert sorted(set(codes)) == sorted(codes)
    assert [cells[0] for cells in rows if len(cells[-1].removesuffix(" |")) < 10] == []


def test_each_line_is_text_or_a_request_that_the_page_means() -> None:
    """A sentence of the manual that begins with a dot or an apostrophe would be obeyed."""
    requests = {re.split(r"\s", line)[0] for line in MANUAL.splitlines() if line.startswith((".", "'"))}
    assert requests == {'.\\"', ".TH", ".SH", ".SS", ".PP", ".TP", ".B"}


def test_the_wheel_puts_the_manual_where_man_looks() -> None:
    """Installed into a virtual environment, ``man lockstep`` finds it while that is active."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {"docs/lockstep.1": "share/man/man1/lockstep.1"}
