"""A lower bound of the accepted set that costs microseconds, even where exact counting costs a second."""

from __future__ import annotations

from math import comb

from rotation.policy.rules import Rules


def at_most_refused(rules: Rules) -> int:
    """Return an upper bound of how many strings the words, the distance and the history refuse.

    Union bound: a word in a given place leaves the other places free; a string too close to the previous one is
    determined by its few changed places, or uses few characters beyond the previous one's.
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
    for changed in range(rules.positions):
        refused += comb(length, changed) * (size - 1) ** changed
    if rules.new_chars:
        old = len(set(rules.previous) & set(rules.alphabet))
        allowed = min(rules.new_chars - 1, size - old)
        refused += comb(size - old, allowed) * (old + allowed) ** length
    return refused
