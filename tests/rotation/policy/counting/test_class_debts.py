"""The debts that the class rules leave."""

from rotation.policy.counting.class_debts import ClassDebts
from rotation.policy.rules import Rules


def test_a_debt_is_paid_character_by_character():
    """Two digits and two of three classes are owed; once a rule is satisfied, other classes make no new debt."""
    rules = Rules("1aA", 4, (("1", 2),), ((2, ("1", "a", "A")),), "", "", 0, (), (), "", 0, 0, frozenset())
    debts = ClassDebts(rules)
    digit, lower, upper = map(debts.membership, "1aA")
    one_digit = debts.pay(debts.start, digit)
    paid = debts.pay(debts.pay(one_digit, lower), digit)
    assert [debts.least(debt) for debt in (debts.start, one_digit, debts.pay(one_digit, digit), paid)] == [2, 1, 1, 0]
    assert debts.pay(paid, upper) == debts.pay(paid, lower) == paid
