"""A lower bound of the accepted set that costs microseconds, even where exact counting costs a second.

Union bounds: what each rule refuses by itself is counted from above and subtracted. For the vendors' policies, which
accept nearly everything, the bound is nearly exact; below zero it says nothing and the exact count decides.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

from rotation.policy.rules import Rules


def floor(rules: Rules) -> int:
    """Return a lower bound of how many strings satisfy the rules."""
    size, length = len(rules.alphabet), rules.length
    refused: int = _classes(rules, size) + at_most_refused(rules)
    refused += sum(size ** (length - 1) for char in rules.alphabet if char in rules.first_not)
    refused += sum(size ** (length - 1) for char in rules.alphabet if char in rules.last_not)
    if rules.max_repeat and rules.max_repeat < length:
        refused += (length - rules.max_repeat) * size ** (length - rules.max_repeat)
    everything: int = size**length
    return everything - refused


def _classes(rules: Rules, size: int) -> int:
    """Bound the strings with too few characters of a charset, or of too few classes."""
    length = rules.length
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


def at_most_refused(rules: Rules) -> int:
    """Return an upper bound of how many strings the words, the distance and the history refuse.

    A word in a given place leaves the other places free; a string too close to the previous one is determined by its
    few changed places, or uses few characters beyond the previous one's.
    """
    size, length = len(rules.alphabet), rules.length
    spellings = dict.fromkeys(rules.alphabet.lower(), 0)
    for char in rules.alphabet:
        spellings[char.lower()] += 1
    refused = len(rules.used)
    for word in rules.forbidden:
        ways = size ** (length - len(word)) * (length - len(word) + 1)
        for letter in word:
            ways *= spellings[letter]
        refused += ways
    for changed in range(min(rules.positions, length + 1)):
        refused += comb(length, changed) * (size - 1) ** changed
    if rules.new_chars:
        old = len(set(rules.previous) & set(rules.alphabet))
        allowed = min(rules.new_chars - 1, size - old)
        refused += comb(size - old, allowed) * (old + allowed) ** length
    return refused
