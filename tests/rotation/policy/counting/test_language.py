"""The exact count and the ranks, by the worked example of the package's header and by counts made elsewhere."""

import re

import pytest

from rotation.core.errors import PolicyError
from rotation.policy import Charset, Context, PasswordPolicy, Word, charsets, counting
from rotation.policy.counting import language
from rotation.policy.counting.feasibility import lower_bound
from rotation.policy.counting.language import DEAD, ClassDebts, Language, WordAutomaton
from rotation.policy.model import LOWER
from rotation.policy.rules import Rules, resolve


def example(digits):
    """Return the policy of the package's header."""
    sets = (Charset("lower", "abcd"), Charset("digit", "12", digits))
    return PasswordPolicy(length=3, charsets=sets, words=(Word("ab"),), allow_weak=True)


def test_the_worked_example_counts_as_its_header_says():
    """Kinds, size, the whole table, the rank and the bound of the example are what the code computes."""
    policy = example(1)
    rules = resolve(policy, Context(), 3)
    counted = Language(rules)
    assert [kind.chars for kind in counted.kinds] == ["12", "a", "b", "cd"]
    after_a, after_digit = (counted._step(0, counted.start, index, 1, None) for index in (1, 0))
    after_both = counted._step(1, after_digit, 1, 1, None)
    states = (counted.start, after_a, after_digit, after_both)
    table = [[counted.count(3 - left, state) for state in states] for left in range(4)]
    assert table[:3] == [[0, 0, 1, 1], [2, 2, 6, 5], [20, 18, 35, 29]]
    assert table[3][0] == counted.size == policy.size() == 148
    rows = re.findall(r"^    (\d) +(\d+)((?: +\d+)*)$", counting.__doc__, re.MULTILINE)
    assert [[int(number) for number in (first + more).split()] for _, first, more in rows[:3]] == table[:3]
    assert counted.unrank(100) == "ba1"
    assert lower_bound(rules) == 140
    assert policy._sampler._language is None
    assert example(3).size() == 8
    assert example(3)._sampler._language is not None


def test_rules_too_entangled_to_count_are_refused(monkeypatch):
    """A count that would take too long ends in an error and does not hang."""
    monkeypatch.setattr(language, "MOST_WORK", 5_000)
    sets = tuple(Charset(f"c{index}", LOWER[index * 2 : index * 2 + 4], 7) for index in range(12))
    with pytest.raises(PolicyError, match="too entangled"):
        PasswordPolicy(length=128, charsets=sets, words=(Word(LOWER * 4, fragment=3),), max_repeat=1)


@pytest.mark.parametrize(
    ("length", "minimum", "acceptance", "bits"),
    [(32, 1, 0.9726, 209.71), (20, 1, 0.891, 130.93), (8, 1, 0.461, 51.32), (8, 2, 0.01935, 46.74)],
)
def test_numbers_agree_with_an_independent_count(length, minimum, acceptance, bits):
    """Multinomial counts made elsewhere for four classes of ASCII give the same acceptance and entropy."""
    sets = charsets("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    least = tuple(Charset(charset.name, charset.chars, minimum) for charset in sets)
    policy = PasswordPolicy(length=length, charsets=least, allow_weak=True)
    assert policy.acceptance() == pytest.approx(acceptance, rel=2e-3)
    assert policy.entropy_bits() == pytest.approx(bits, abs=0.006)


def test_a_debt_is_paid_character_by_character():
    """Two digits and two of three classes are owed; once a rule is satisfied, other classes make no new debt."""
    rules = Rules("1aA", 4, (("1", 2),), ((2, ("1", "a", "A")),), "", "", 0, (), (), "", 0, 0, frozenset())
    debts = ClassDebts(rules)
    digit, lower, upper = map(debts.membership, "1aA")
    one_digit = debts.pay(debts.start, digit)
    paid = debts.pay(debts.pay(one_digit, lower), digit)
    assert [debts.least(debt) for debt in (debts.start, one_digit, debts.pay(one_digit, digit), paid)] == [2, 1, 1, 0]
    assert debts.pay(paid, upper) == debts.pay(paid, lower) == paid


def test_the_example_of_the_automaton():
    """For ``ab`` and ``bc``: ``a`` stays at node 1, ``b`` completes ``ab``, and ``c`` starts again at node 0."""
    automaton = WordAutomaton(("ab", "bc"))
    assert (automaton.step(0, "a"), automaton.step(0, "b"), automaton.step(0, "c")) == (1, 3, 0)
    assert (automaton.step(1, "a"), automaton.step(1, "b"), automaton.step(1, "c")) == (1, DEAD, 0)
    assert (automaton.step(3, "a"), automaton.step(3, "b"), automaton.step(3, "c")) == (1, 3, DEAD)
