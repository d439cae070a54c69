"""Every window of the fault catalogue has a test of its own, or a place where it is tested."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ELSEWHERE = {
    36: ("tests/engine", "batch"),  # several accounts in one secret
    45: ("tests/drivers/test_huawei_meeting.py", "test_verify_leaves_no_token"),
}
NOT_BUILT = {
    53: "a second store of the same secret: there is one store to a secret",
    54: "replica regions: reads go to the region that is written",
}


def test_each_window_is_there():
    """Names begin with the window's number; what is not built has its reason."""
    found = {
        int(number)
        for path in HERE.glob("test_windows_*.py")
        for number in re.findall(r"^def test_w(\d\d)_", path.read_text(), re.MULTILINE)
    }

    assert found.isdisjoint(NOT_BUILT)
    assert found | ELSEWHERE.keys() | NOT_BUILT.keys() == set(range(1, 66))


def test_what_is_tested_elsewhere_is_there():
    """Or the window would be open."""
    for place, text in ELSEWHERE.values():
        path = ROOT / place
        files = path.rglob("*.py") if path.is_dir() else [path]
        assert any(text in file.read_text() for file in files), place
