"""Prints docs/write-a-driver.md with the files that it shows read again.

.venv/bin/python .ci/embedded_files.py > page.md && mv page.md docs/write-a-driver.md
"""

# ruff: noqa: INP001 - a script of the documentation, and no module of a package

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "write-a-driver.md"
EXAMPLE = ROOT / "examples" / "rotation-driver-example"
FILE = re.compile(r"^<!-- file: (?P<path>\S+) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block that shows a file of the example."""


def page(text: str) -> str:
    """Return the page with each file of the example as it is now."""

    def shown(block: re.Match[str]) -> str:
        path, language = block["path"], block["language"]
        return f"<!-- file: {path} -->\n```{language}\n{(EXAMPLE / path).read_text()}```"

    return FILE.sub(shown, text)


if __name__ == "__main__":
    sys.stdout.write(page(PAGE.read_text()))
