"""The password rules of Cloud Identity's users."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion

CODE = "volcengine_cloudidentity"
POLICIES = load_driver(CODE).policies


@pytest.mark.parametrize(
    ("variant", "text", "expected"),
    [
        # ResetPassword: the request's sample breaks the page's own rule (no third class), the reply's is too short.
        ("default", "YxEnyCpX", False),
        ("default", "Ya7mu", False),
    ],
)
def test_the_samples_of_the_vendors_pages(variant, text, *, expected):
    """Each page's own samples are judged as its rule says, even where the page breaks it."""
    assert (POLICIES[variant].problems(Secret(text)) == ()) == expected
    assert second_opinion(CODE, variant, text) == expected


def test_the_default_length():
    """The generated length is the longest that every consumer of the vendor takes."""
    assert {policy.length for policy in POLICIES.values()} == {32}
