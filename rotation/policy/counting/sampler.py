"""Uniform draws from ``os.urandom``: whole strings while most are accepted, exact ranks where few are."""

from __future__ import annotations

import os
from collections.abc import Callable

from rotation.policy.checker import Checker
from rotation.policy.counting.bounds import at_most_refused
from rotation.policy.counting.language import Language
from rotation.policy.rules import Rules

# Whole draws cost a few microseconds, so up to this many on average are cheaper than building the tables.
TRIES = 16


class Sampler:
    """Draws uniformly from the strings that satisfy ``rules``.

    Every way of drawing starts from a uniform draw out of a larger set and refuses what does not belong, so the result
    is uniform too: out of all strings, out of those that keep the context-free rules, or out of those that keep all.

    Args:
        rules: at least one string must satisfy them.
        floor: a lower bound of how many do.
        base: counts the context-free language; called only where whole strings are rarely accepted.
    """

    def __init__(self, rules: Rules, floor: int, base: Callable[[], Language]) -> None:
        self._accepts = Checker(rules)
        self._everything = WholeStrings(rules.alphabet, rules.length)
        self._language: Language | None = None
        if floor * TRIES < len(rules.alphabet) ** rules.length:
            language = base()
            refused = at_most_refused(rules._replace(words=()))
            self._language = language if refused * TRIES <= language.size * (TRIES - 1) else Language(rules)

    def draw(self) -> str:
        """Return one string."""
        while True:
            if self._language is None:
                text = self._everything.draw()
            else:
                text = self._language.unrank(below(self._language.size)).encode()
            if self._accepts(text):
                return text.decode()


class WholeStrings:
    """Uniform strings over an alphabet, without modulo bias: surplus byte values are thrown away."""

    def __init__(self, alphabet: str, length: int) -> None:
        size = len(alphabet)
        usable = 256 - 256 % size
        self._length = length
        self._table = bytes(ord(alphabet[value % size]) for value in range(256))
        self._surplus = bytes(range(usable, 256))
        # Four standard deviations of slack make a second request for bytes rare.
        rate = usable / 256
        self._bytes = int((length + 4 * (length * (1 - rate)) ** 0.5) / rate) + 1

    def draw(self) -> bytes:
        """Return one string as ASCII bytes."""
        text = os.urandom(self._bytes).translate(self._table, self._surplus)
        while len(text) < self._length:
            text += os.urandom(self._bytes).translate(self._table, self._surplus)
        return text[: self._length]


def below(bound: int) -> int:
    """Return a uniform integer from 0 up to, not including, ``bound``."""
    bits = (bound - 1).bit_length()
    size = (bits + 7) // 8
    while True:
        value = int.from_bytes(os.urandom(size), "big") >> (8 * size - bits)
        if value < bound:
            return value
