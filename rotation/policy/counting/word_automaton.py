"""Forbidden words: which ones can occur at all, and an automaton that notices them letter by letter."""

from __future__ import annotations

from collections.abc import Iterable

DEAD = -1


def fragments(word: str, shortest: int) -> tuple[str, ...]:
    """Return the pieces of ``word`` whose absence rules out every piece of ``shortest`` or more characters.

    A longer piece always holds one of exactly ``shortest``. Zero means that only the whole word is forbidden.
    """
    if not shortest or len(word) < shortest:
        return () if shortest else (word,)
    return tuple(word[start : start + shortest] for start in range(len(word) - shortest + 1))


def spellable(words: Iterable[str], alphabet: str, length: int) -> tuple[str, ...]:
    """Return the lower-case words that can occur in a string of this alphabet and length, without redundant ones."""
    letters = frozenset(alphabet.lower())
    kept: list[str] = []
    for word in sorted({word.lower() for word in words if word}, key=lambda word: (len(word), word)):
        if len(word) <= length and letters.issuperset(word) and not any(short in word for short in kept):
            kept.append(word)
    return tuple(kept)


class Trie:
    """Aho-Corasick over lower-case words, none of which contains another (see ``spellable``).

    Node 0 is the start; ``step`` returns ``DEAD`` when a word is complete.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.letters = frozenset[str]().union(*words)
        self._next: list[dict[str, int]] = [{}]
        dead = set[int]()
        for word in words:
            node = 0
            for letter in word:
                if letter not in self._next[node]:
                    self._next[node][letter] = len(self._next)
                    self._next.append({})
                node = self._next[node][letter]
            dead.add(node)
        self._close(dead)

    def _close(self, dead: set[int]) -> None:
        """Fill in, breadth first, where a letter leads that continues no word."""
        suffix = [0] * len(self._next)
        queue = list(self._next[0].values())
        for node in queue:
            for letter, child in self._next[node].items():
                suffix[child] = self._next[suffix[node]].get(letter, 0)
                queue.append(child)
            self._next[node] = {**self._next[suffix[node]], **self._next[node]}
        for targets in self._next:
            for letter, node in targets.items():
                if node in dead:
                    targets[letter] = DEAD

    def step(self, node: int, letter: str) -> int:
        """Return the node after reading one lower-case letter, or ``DEAD``."""
        return self._next[node].get(letter, 0)
