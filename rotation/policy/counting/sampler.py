"""Uniform draws from ``os.urandom``: whole strings where most are accepted, exact ranks where few are."""

from __future__ import annotations

import os
from collections.abc import Callable

from rotation.policy.counting.feasibility import refused_at_most
from rotation.policy.counting.language import Language
from rotation.policy.rules import Checker, Rules

# A draw costs a few microseconds, so up to this many draws on average are cheaper than building the tables.
TRIES = 16


class Sampler:
    """Draws uniformly from the strings that satisfy ``rules``.

    A draw is uniform over a larger set, and what does not satisfy the rules is refused, so the result is uniform too.
    The larger set is all strings, those that satisfy the rules of every account, or those that satisfy all rules.

    Args:
        rules: at least one string must satisfy them.
        least: a lower bound of how many do.
        context_free: counts the strings for every account; called only where whole strings are rarely accepted.
    """

    def __init__(self, rules: Rules, least: int, context_free: Callable[[], Language]) -> None:
        self._accepts = Checker(rules)
        self._everything = WholeStrings(rules.alphabet, rules.length)
        self._language: Language | None = None
        if least * TRIES < len(rules.alphabet) ** rules.length:
            language = context_free()
            refused = refused_at_most(rules._replace(words=()))
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
    """Draws uniform strings over an alphabet. Surplus byte values are dropped, so there is no modulo bias."""

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
        text = b""
        while len(text) < self._length:
            text += os.urandom(self._bytes).translate(self._table, self._surplus)
        return text[: self._length]


def below(limit: int) -> int:
    """Return a uniform integer from 0 up to, not including, ``limit``."""
    bits = (limit - 1).bit_length()
    size = (bits + 7) // 8
    while True:
        value = int.from_bytes(os.urandom(size), "big") >> (8 * size - bits)
        if value < limit:
            return value
