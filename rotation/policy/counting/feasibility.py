"""Refuse rules that no string satisfies, naming those that contradict each other, and rules that leave too few.

Counting exactly may take a second, and a bound takes microseconds. For each rule, an upper bound of the strings that
the rule refuses is subtracted from the number of all strings. The vendors' policies accept nearly everything, so the
result is nearly exact. If it is too low, the exact count is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import comb, log2
from typing import Any

from rotation.core.errors import PolicyError
from rotation.policy.counting.language import Language
from rotation.policy.rules import Checker, Rules

LEAST_BITS = 50


def lower_bound(rules: Rules) -> int:
    """Return a lower bound of how many strings satisfy the rules."""
    size, length = len(rules.alphabet), rules.length
    refused: int = _by_classes(rules) + refused_at_most(rules)
    at_ends = sum((char in rules.first_not) + (char in rules.last_not) for char in rules.alphabet)
    refused += at_ends * size ** (length - 1)
    if rules.max_repeat and rules.max_repeat < length:
        refused += (length - rules.max_repeat) * size ** (length - rules.max_repeat)
    everything: int = size**length
    return everything - refused


def refused_at_most(rules: Rules) -> int:
    """Return an upper bound of how many strings the words, the distance and the history refuse.

    A word at one place leaves the other places free. A string that is too close to the previous one is determined by
    its few changed places, or uses few characters that the previous one lacks.
    """
    size, length = len(rules.alphabet), rules.length
    cases = dict.fromkeys(rules.alphabet.lower(), 0)
    for char in rules.alphabet:
        cases[char.lower()] += 1
    refused = len(rules.used)
    for word in rules.forbidden:
        ways = size ** (length - len(word)) * (length - len(word) + 1)
        for letter in word:
            ways *= cases[letter]
        refused += ways
    for changed in range(min(rules.positions, length + 1)):
        refused += comb(length, changed) * (size - 1) ** changed
    if rules.new_chars:
        old = len(set(rules.previous) & set(rules.alphabet))
        allowed = min(rules.new_chars - 1, size - old)
        refused += comb(size - old, allowed) * (old + allowed) ** length
    return refused


def _by_classes(rules: Rules) -> int:
    """Bound the strings with too few characters of a charset, or of too few classes."""
    size, length = len(rules.alphabet), rules.length
    refused: int = 0
    for chars, least in rules.minimums:
        inside = len(chars)
        refused += sum(
            comb(length, number) * inside**number * (size - inside) ** (length - number)
            for number in range(min(least, length + 1))
        )
    for count, groups in rules.classes:
        neutral = set(rules.alphabet) - set("".join(groups))
        refused += sum(len(neutral.union(*present)) ** length for present in combinations(groups, count - 1))
    return refused


def exact_size(rules: Rules, language: Language) -> int:
    """Return how many strings satisfy the rules, given the ``language`` that counts them without ``rules.used``."""
    accepts = Checker(rules._replace(used=frozenset()))
    alphabet = frozenset(rules.alphabet)
    used = [text for text in rules.used if len(text) == rules.length and alphabet.issuperset(text)]
    return language.size - sum(accepts(text.encode()) for text in used)


def check_size(label: str, rules: Rules, size: int, *, allow_weak: bool) -> None:
    """Raise if ``size``, the number of strings that satisfy the rules, is zero or too small.

    Raises:
        PolicyError: names the contradicting rules, or the bits that are left.
    """
    if size < 1:
        rule_names = ", ".join(contradiction(rules))
        raise PolicyError(
            f"{label}: no string of length {rules.length} satisfies {rule_names or 'history'} together",
            hint="Loosen one of the rules named, or choose another length within the vendor's bounds.",
        )
    if size < 1 << LEAST_BITS and not allow_weak:
        raise PolicyError(
            f"{label}: weak: leaves {log2(size):.1f} bits, fewer than {LEAST_BITS}",
            hint="Choose a longer password or exclude fewer characters; allow_weak accepts the policy as it is.",
        )


def contradiction(rules: Rules) -> tuple[str, ...]:
    """Return the names of rules that contradict each other; if any one is left out, the others can be satisfied."""
    active = _active(rules)
    clash = set(active)
    for name in active:
        others = clash - {name}
        if Language(_without(rules, [part for other, part in active.items() if other not in others])).size == 0:
            clash = others
    return tuple(name for name in active if name in clash)


def _active(rules: Rules) -> dict[str, tuple[str, object]]:
    """Return every active rule as its field in ``Rules`` and its entry there, if any, by its name in messages."""
    found: dict[str, tuple[str, object]] = {}
    for chars, least in rules.minimums:
        found[f"min_chars({least} of {chars})"] = ("minimums", (chars, least))
    for count, groups in rules.classes:
        found[f"classes({count} of {len(groups)})"] = ("classes", (count, groups))
    for field in ("first_not", "last_not", "max_repeat", "words", "names", "positions", "new_chars"):
        value = getattr(rules, field)
        if value:
            found[f"{field}({value})" if isinstance(value, int) else field] = (field, None)
    return found


def _without(rules: Rules, parts: Iterable[tuple[str, object]]) -> Rules:
    """Return the rules without some fields or entries of fields."""
    for field, entry in parts:
        value = getattr(rules, field)
        left: Any = type(value)() if entry is None else tuple(other for other in value if other != entry)
        rules = rules._replace(**{field: left})
    return rules
