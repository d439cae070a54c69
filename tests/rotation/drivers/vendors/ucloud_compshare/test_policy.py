"""The password rules of CompShare's instances."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion

CODE = "ucloud_compshare"
POLICIES = load_driver(CODE).policies


@pytest.mark.parametrize(
    ("variant", "text", "expected"),
    [
        # ResetCompShareInstancePassword: code samples; the base64 sample decodes to a password with a dot.
        ("container", "MyNewPassword123!", True),
        ("container", "ucloud.cn", True),
        ("windows", "MyNewPassword123!", True),
        ("windows", "ucloud.cn", False),
        # specification.md: "adm" and "min" are its own examples of forbidden runs.
        ("windows", "Xadm1234!Q", False),
        ("windows", "Xmin1234!Q", False),
        ("linux", "Xadm1234!Q", True),
    ],
)
def test_the_samples_of_the_vendors_pages(variant, text, *, expected):
    """Each page's own samples are judged as its rule says, even where the page breaks it."""
    assert (POLICIES[variant].problems(Secret(text)) == ()) == expected
    assert second_opinion(CODE, variant, text) == expected


def test_the_default_length():
    """The generated length is the longest that every consumer of the vendor takes."""
    assert {policy.length for policy in POLICIES.values()} == {30}
