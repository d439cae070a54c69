"""Files stay small enough to be read at one sitting."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("bench", "examples", "rotation", "tests", "vault_plugin")
MOST, MOST_OF_A_DRIVER = 300, 200


def _longer_than(most: int, files: list[Path]) -> dict[str, int]:
    """Those of the files that are too long, by path, with their lines."""
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    return {path: length for path, length in lengths.items() if length > most}


def test_no_file_has_more_than_300_lines() -> None:
    """One idea fits into fewer; whatever is longer has two. What protoc generated is not ours."""
    files = [file for folder in OURS for file in (ROOT / folder).rglob("*.py") if file.parent.name != "pb"]
    assert ROOT / "rotation" / "machine.py" in files
    assert _longer_than(MOST, files) == {}


def test_no_module_of_a_driver_has_more_than_200_lines() -> None:
    """A vendor's API is data and a few calls; who ports one reads the others first."""
    files = list((ROOT / "rotation" / "drivers").rglob("*.py"))
    assert ROOT / "rotation" / "drivers" / "huawei_meeting.py" in files
    assert _longer_than(MOST_OF_A_DRIVER, files) == {}
