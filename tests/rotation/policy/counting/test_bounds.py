"""The cheap bound of a count. ``test_policy_properties`` holds that it never exceeds the exact count."""

import pytest

from rotation.policy.counting.bounds import lower_bound
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
