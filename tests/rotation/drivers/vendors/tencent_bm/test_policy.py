"""The password rules of Blackstone's devices."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion

CODE = "tencent_bm"
POLICIES = load_driver(CODE).policies


@pytest.mark.parametrize(
    ("variant", "text", "expected"),
    [
        # ResetDevicePasswd: the sample is fine for Linux and too short for Windows.
        ("linux", "abce1234", True),
        ("windows", "abce1234", False),
        # Two classes elsewhere, but letters count once here.
        ("linux", "Abcdefgh", False),
        # API 3.0's signing sample.
        ("linux", "Abcd1234!", True),
    ],
)
def test_the_samples_of_the_vendors_pages(variant, text, *, expected):
    """Each page's own samples are judged as its rule says, even where the page breaks it."""
    assert (POLICIES[variant].problems(Secret(text)) == ()) == expected
    assert second_opinion(CODE, variant, text) == expected


def test_the_default_length():
    """The generated length is the longest that every consumer of the vendor takes."""
    assert {policy.length for policy in POLICIES.values()} == {16}
