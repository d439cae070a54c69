"""The password rules of Huawei Meeting's accounts."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation.policy import Context
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion

CODE = "huawei_meeting"
POLICIES = load_driver(CODE).policies


@pytest.mark.parametrize(
    ("variant", "text", "expected"),
    [
        # Cambio de contraseña shows stars only, which are one class and repeat.
        ("default", "*********", False),
    ],
)
def test_the_samples_of_the_vendors_pages(variant, text, *, expected):
    """Each page's own samples are judged as its rule says, even where the page breaks it."""
    assert (POLICIES[variant].problems(Secret(text)) == ()) == expected
    assert second_opinion(CODE, variant, text) == expected


def test_the_default_length():
    """The generated length is the longest that every consumer of the vendor takes."""
    assert {policy.length for policy in POLICIES.values()} == {32}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Zhangsan-1x", {"name"}),
        ("nasgnahz-1X", {"name"}),
        ("Correct111x", {"max_repeat"}),
        ("Corr\u00e9ct11x", {"character"}),
        ('Correct"11x', {"character"}),
        ("OldPassw0rd", {"distance", "history"}),
        ("OldPassw0rX", {"distance"}),
        ("OldPassw0XY", set()),
        ("Aa1", {"too_short"}),
        ("abcdefgh", {"classes"}),
    ],
)
def test_each_broken_rule_is_named(text, codes):
    """Each rule of the strictest edition has its own code, and nothing else is reported."""
    context = Context(username="zhangsan", previous=Secret("OldPassw0rd"))
    found = POLICIES["default"].problems(Secret(text), context)
    assert {problem.code for problem in found} == codes


def test_the_policy_joins_two_editions():
    """The policy cites both editions and carries the minimum age of five minutes for the engine."""
    policy = POLICIES["default"]
    spanish, chinese = policy.sources
    assert "(es)" in spanish.cite
    assert "(zh)" in chinese.cite
    assert policy.min_age_seconds == 300
