"""``docs/lockstep.1``, the manual page, is what the help of the commands says, and the wheel brings it."""

import re
import runpy
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/lockstep.1").read_text()


def test_the_page_is_up_to_date() -> None:
    """Write it again by ``.venv/bin/python .ci/man_page.py > lockstep.1 && mv lockstep.1 docs/lockstep.1``."""
    assert runpy.run_path(str(ROOT / ".ci/man_page.py"))["page"]() == PAGE


def test_each_line_is_text_or_a_request_that_the_page_means() -> None:
    """A sentence that begins with a dot or an apostrophe would be obeyed."""
    requests = {re.split(r"\s", line)[0] for line in PAGE.splitlines() if line.startswith((".", "'"))}
    assert requests == {'.\\"', ".TH", ".SH", ".SS", ".PP", ".TP", ".B"}


def test_the_wheel_puts_it_where_man_looks() -> None:
    """Installed into a virtual environment, ``man lockstep`` finds it while that is active."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {"docs/lockstep.1": "share/man/man1/lockstep.1"}
