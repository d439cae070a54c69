"""Class debts: what the rest of a string owes to the ``min_chars`` and k-of-n rules, as small integers."""

from __future__ import annotations

from rotation.policy.rules import Rules

Membership = tuple[tuple[bool, ...], tuple[frozenset[int], ...]]
_Debt = tuple[tuple[int, ...], tuple[frozenset[int], ...]]


class ClassDebts:
    """Numbers the debts that occur, so that a state holds one integer.

    A debt is how many characters of each charset are missing, and which classes of each k-of-n rule occur already.
    A rule that is satisfied counts all its classes as present, so that equal debts have one number.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._numbers: dict[_Debt, int] = {}
        self._debts: list[_Debt] = []
        self._least: list[int] = []
        self._paid: dict[tuple[int, Membership], int] = {}
        sets = [chars for chars, _ in rules.minimums]
        self._disjoint = len(set("".join(sets))) == sum(map(len, sets))
        counts = tuple(count for _, count in rules.minimums)
        self.start = self._number((counts, tuple(frozenset() for _ in rules.classes)))

    def membership(self, char: str) -> Membership:
        """Return the charsets and classes of a character; characters with equal results pay the same debts."""
        return (
            tuple(char in chars for chars, _ in self._rules.minimums),
            tuple(
                frozenset(index for index, chars in enumerate(groups) if char in chars)
                for _, groups in self._rules.classes
            ),
        )

    def pay(self, debt: int, membership: Membership) -> int:
        """Return the debt after one more character."""
        known = self._paid.get((debt, membership))
        if known is None:
            counts, present = self._debts[debt]
            inside, groups = membership
            owed = tuple(max(0, count - member) for count, member in zip(counts, inside, strict=True))
            known = self._number((owed, tuple(map(_present, self._rules.classes, present, groups))))
            self._paid[debt, membership] = known
        return known

    def least(self, debt: int) -> int:
        """Return a lower bound of the characters that pay the debt; 0 exactly when nothing is owed."""
        return self._least[debt]

    def _number(self, debt: _Debt) -> int:
        number = self._numbers.setdefault(debt, len(self._numbers))
        if number == len(self._debts):
            counts, present = debt
            self._debts.append(debt)
            by_count = sum(counts) if self._disjoint else max(counts, default=0)
            rules = zip(self._rules.classes, present, strict=True)
            # One character may lie in several overlapping classes, so all missing classes together count as one.
            self._least.append(max(by_count, int(any(count > len(seen) for (count, _), seen in rules))))
        return number


def _present(rule: tuple[int, tuple[str, ...]], before: frozenset[int], now: frozenset[int]) -> frozenset[int]:
    """Return the classes that occur; all of them once the rule is satisfied."""
    count, groups = rule
    both = before | now
    return frozenset(range(len(groups))) if len(both) >= count else both
