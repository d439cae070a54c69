"""Every window of the fault catalogue has a test of its own, or a place where it is tested."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ELSEWHERE = {
    36: ("tests/rotation/engine/batch/test_batch.py", "test_w36_one_account_does_not_hinder_the_others"),
    45: ("tests/rotation/drivers/vendors/huawei_meeting/test_conformance.py", "test_w45_verify_leaves_no_token"),
    53: ("tests/vault_plugin/test_mirror.py", "test_w53_a_death_at_any_effect_is_repaired_by_the_next_look"),
}


def test_each_window_is_there():
    """Names begin with the window's number; what the page says of those held elsewhere names the place."""
    found = {
        int(number)
        for path in HERE.glob("test_windows_*.py")
        for number in re.findall(r"^def test_w(\d\d)_", path.read_text(), re.MULTILINE)
    }

    assert found.isdisjoint(ELSEWHERE)
    assert found | ELSEWHERE.keys() == set(range(1, 66))


def test_what_is_tested_elsewhere_is_there():
    """Or the window would be open."""
    page = (ROOT / "docs" / "faults.md").read_text()
    for number, (place, name) in ELSEWHERE.items():
        assert f"def {name}(" in (ROOT / place).read_text(), place
        assert f"**W{number}**" in page
