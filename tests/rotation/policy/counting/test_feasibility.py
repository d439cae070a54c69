"""The cheap bound, rules that contradict each other, and rules that leave nothing for one account.

``test_policy_properties`` holds that the bound never exceeds the exact count.
"""

import time

import pytest

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.policy import Charset, Context, Name, PasswordPolicy
from rotation.policy.counting.feasibility import lower_bound
from rotation.policy.model import DIGITS, LOWER
from rotation.policy.rules import Rules

FREE = Rules("ab", 3, (), (), "", "", 0, (), (), "", 0, 0, frozenset())


@pytest.mark.parametrize(
    ("rules", "size"),
    [
        (FREE, 8),
        (FREE._replace(previous="aaa", positions=2), 4),
        (FREE._replace(previous="aaa", new_chars=1), 7),
        (FREE._replace(minimums=(("a", 2),)), 4),
    ],
)
def test_the_bound_is_exact_for_one_rule(rules, size):
    """Of the 8 strings of three characters of ``ab``, the bound leaves exactly what a rule that stands alone leaves."""
    assert lower_bound(rules) == size


def test_only_the_rules_that_clash_are_named():
    """The message holds a minimal set: rules that do no harm are not in it."""
    sets = (Charset("digit", DIGITS, 2), Charset("lower", LOWER, 3))
    with pytest.raises(PolicyError) as caught:
        PasswordPolicy(length=4, charsets=sets, max_repeat=2, first_not="1")
    assert "min_chars(2 of 0123456789), min_chars(3 of abc" in caught.value.message
    assert "max_repeat" not in caught.value.message
    assert "first_not" not in caught.value.message
    assert caught.value.hint


def test_a_history_of_every_accepted_string_is_refused():
    """When every accepted string was used before, there is an error and no endless search."""
    policy = PasswordPolicy(length=1, charsets=(Charset("bit", "01"),), allow_weak=True)
    assert policy.generate(Context(previous=Secret("0"))).reveal() == "1"
    with pytest.raises(PolicyError, match="history"):
        policy.generate(Context(previous=Secret("0"), history=(Secret("1"),)))


def test_a_context_that_leaves_next_to_nothing_is_counted():
    """Where one string in a billion is left, it is found by counting at once, not by luck after hours."""
    policy = PasswordPolicy(length=8, charsets=(Charset("lower", LOWER),), names=(Name(fragment=1),), allow_weak=True)
    started = time.process_time()
    context = Context(username=LOWER[2:], previous=Secret("a" * 8))
    assert set(policy.generate(context).reveal()) <= set("ab")
    assert policy.size(context) == 2**8 - 1
    assert time.process_time() - started < 1
