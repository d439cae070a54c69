"""Lines: the names of runs."""

import pytest

from rotation_testkit.fault_lab.matrix.plan import Line


@pytest.mark.parametrize(
    "text",
    [
        "matrix:admin_task/aws/600:17.after.crash+23.before.throttled",
        "matrix:write_ahead.self/own/10:4.after.error",
        "matrix:self/vault/10:clean",
    ],
)
def test_a_line_reads_back(text):
    """A line that was printed can be parsed."""
    assert str(Line.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "matrix:admin/aws", "matrix:admin/aws/10:7.never.crash", "matrix:admin/aws/10:7.after.crash+7.before.error"],
)
def test_what_is_no_line_is_refused(text):
    """A text that is no line is refused with a sentence."""
    with pytest.raises(ValueError, match=r"\S"):
        Line.parse(text)
