"""``docs/settings.md`` has every setting, as the code declares it."""

import runpy
from pathlib import Path

from rotation.deployment.deployment import SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/settings.md").read_text()


def test_the_page_is_up_to_date() -> None:
    """Write it again by ``.venv/bin/python .ci/settings_page.py > settings.md && mv settings.md docs/settings.md``."""
    assert runpy.run_path(str(ROOT / ".ci/settings_page.py"))["page"](PAGE) == PAGE


def test_every_setting_stands_on_the_page() -> None:
    """A setting without a table for it would be missing silently."""
    assert [each.variable() for each in SETTINGS if not each.table and f"| `{each.key}` |" not in PAGE] == []
    assert [each.variable() for each in SETTINGS if each.table and f"| `{each.variable()}` |" not in PAGE] == []


def test_every_setting_says_what_it_is() -> None:
    """Help is a sentence, and it needs no second place."""
    assert [each.key for each in SETTINGS if not each.help.endswith(".")] == []
