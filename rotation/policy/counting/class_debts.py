"""What a string still owes to the class rules, as small integers."""

from __future__ import annotations

from rotation.policy.rules import Rules

_Owed = tuple[tuple[int, ...], tuple[frozenset[int], ...]]


class Needs:
    """Interned debts: how many characters of each charset, and which classes of each k-of-n rule, are still missing.

    A k-of-n rule is kept as the set of classes met so far and forgets them all once it is met.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._signatures: dict[tuple[tuple[bool, ...], tuple[frozenset[int], ...]], int] = {}
        self._debts: dict[_Owed, int] = {}
        self._owed: list[_Owed] = []
        self._least: list[int] = []
        self._steps: dict[tuple[int, int], int] = {}
        sets = [chars for chars, _ in rules.minimums]
        self._disjoint = len(set("".join(sets))) == sum(map(len, sets))
        counts = tuple(count for _, count in rules.minimums)
        self.start = self._intern((counts, tuple(frozenset() for _ in rules.classes)))

    def signature(self, char: str) -> int:
        """Return a number that is equal for characters of the same charsets and classes."""
        key = (
            tuple(char in chars for chars, _ in self._rules.minimums),
            tuple(
                frozenset(index for index, chars in enumerate(groups) if char in chars)
                for _, groups in self._rules.classes
            ),
        )
        return self._signatures.setdefault(key, len(self._signatures))

    def step(self, debt: int, signature: int) -> int:
        """Return the debt after one more character of that signature."""
        known = self._steps.get((debt, signature))
        if known is None:
            counts, met = self._owed[debt]
            member, groups = list(self._signatures)[signature]
            known = self._steps[debt, signature] = self._intern(
                (
                    tuple(max(0, count - inside) for count, inside in zip(counts, member, strict=True)),
                    tuple(map(self._met, self._rules.classes, met, groups)),
                )
            )
        return known

    @staticmethod
    def _met(rule: tuple[int, tuple[str, ...]], met: frozenset[int], now: frozenset[int]) -> frozenset[int]:
        """Return the classes met; all of them once the rule is satisfied."""
        count, groups = rule
        both = met | now
        return frozenset(range(len(groups))) if len(both) >= count else both

    def least(self, debt: int) -> int:
        """Return a lower bound of the characters that paying the debt takes; 0 exactly when nothing is owed."""
        return self._least[debt]

    def _intern(self, owed: _Owed) -> int:
        number = self._debts.setdefault(owed, len(self._debts))
        if number == len(self._owed):
            counts, met = owed
            self._owed.append(owed)
            by_count = sum(counts) if self._disjoint else max(counts, default=0)
            missing = [count - len(seen) for (count, _), seen in zip(self._rules.classes, met, strict=True)]
            # One character may lie in several overlapping classes, so a missing class rule is worth just one.
            self._least.append(max(by_count, int(any(number > 0 for number in missing))))
        return number
