"""Print the longest modules of the product: a report for reviewers, no limit. ``make check`` runs it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("rotation", "vault_plugin", "rotation_testkit")
SHOWN = 10


def main():
    """Print the number of lines and the path of the longest modules, generated ones left out."""
    modules = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.parent.name != "pb")
    sizes = sorted(((len(path.read_text().splitlines()), path) for path in modules), reverse=True)
    sys.stdout.write(f"The {SHOWN} longest of {len(sizes)} modules:\n")
    for lines, path in sizes[:SHOWN]:
        sys.stdout.write(f"{lines:5} {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
