"""Computes bounds of the count in microseconds; counting exactly may take a second.

For each rule, an upper bound of the strings that the rule refuses is subtracted from the number of all strings. The
vendors' policies accept nearly everything, so the result is nearly exact. If it is below zero, the exact count is used.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

from rotation.policy.rules import Rules


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
