"""What the checker says about a candidate. ``test_policy_properties`` compares it with an independent judge."""

import time

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, PasswordPolicy, Word
from rotation.policy.model import LOWER, UPPER

HUAWEI = vendor_policies()["huawei_meeting"]["default"]
EVERY_RULE = PasswordPolicy(
    length=32,
    min_length=1,
    charsets=(Charset("lower", LOWER, 1), Charset("upper", UPPER), Charset("special", "-")),
    classes=(AtLeast(2),),
    first_not="-",
    last_not="-",
    max_repeat=3,
    words=(Word("root"),),
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "too_short"), ("a" * 33, "too_long"), ("a\x00", "character"), ("A", "min_chars"), ("aaaa", "max_repeat"),
        ("-a", "first_not"), ("a-", "last_not"), ("xRoOty", "word"), ("ab", "classes"),
    ],
)  # fmt: skip
def test_every_rule_has_its_code(text, code):
    """Each rule has its own stable code."""
    assert code in {problem.code for problem in EVERY_RULE.problems(Secret(text))}


def test_problems_never_quote_the_candidate():
    """Neither messages nor the context's repr hold the candidate, the old password, or the account's name."""
    candidate = Secret("zhangsan\u00e9\u00e9\u00e9")
    context = Context(username="zhangsan", previous=Secret("qqqqqqqqq"), history=(candidate,))
    found = HUAWEI.problems(candidate, context)
    assert {problem.code for problem in found} >= {"character", "max_repeat", "name", "history"}
    assert not any("zhangsan" in problem.message or "\u00e9" in problem.message for problem in found)
    assert "qqq" not in repr(context)


def test_a_long_candidate_is_judged_quickly():
    """The time for hostile text grows with its length, not with the square of it, which would take minutes.

    It takes 0.4 s, and ten times as much under coverage.
    """
    started = time.process_time()
    assert HUAWEI.problems(Secret("aA1!" * 50_000), Context(username="x" * 256, previous=Secret("y" * 32)))
    assert time.process_time() - started < 20
