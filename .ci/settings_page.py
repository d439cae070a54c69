"""Prints docs/settings.md with its tables made again from what the code declares.

.venv/bin/python .ci/settings_page.py > settings.md && mv settings.md docs/settings.md
"""

# ruff: noqa: INP001 - a script of the documentation, and no module of a package

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from rotation.deployment.deployment import SETTINGS
from rotation.deployment.setting import Scope, Setting

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def page(text: str) -> str:
    """Return the page with each part between ``<!-- table: NAME -->`` and ``<!-- end -->`` written again."""
    for name, table in _tables().items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        text = re.sub(f"{re.escape(begin)}.*?{end}", lambda _, new=begin + table + end: new, text, flags=re.DOTALL)
    return text


def _tables() -> dict[str, str]:
    return {
        "top": _table((each for each in SETTINGS if each.scope is not Scope.DRIVER and not each.table), None),
        "driver": _table((each for each in SETTINGS if each.scope is not Scope.ALL), "<CODE>"),
        "parameters": _parameters(),
        "events": _table((each for each in SETTINGS if each.table == "events"), None),
        "vault": _table((each for each in SETTINGS if each.table == "vault"), None),
    }


def _table(settings: Iterable[Setting], code: str | None) -> str:
    rows = ["| key | variable | example | without it | meaning |", "| --- | --- | --- | --- | --- |"]
    for each in settings:
        key = "" if each.secret else f"`{each.key}`"
        example = "" if each.secret else f"`{json.dumps(each.example)}`"
        rows.append(f"| {key} | `{each.variable(code)}` | {example} | {each.otherwise} | {each.help} |")
    return "\n".join(rows) + "\n"


def _parameters() -> str:
    template = yaml_parse((PAGE.parents[1] / "template.yaml").read_text())
    rows = ["| parameter | default | meaning |", "| --- | --- | --- |"]
    for name, each in template["Parameters"].items():
        default = f"`{each['Default']}`" if str(each["Default"]) else ""
        rows.append(f"| `{name}` | {default} | {each['Description']} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(PAGE.read_text()))
