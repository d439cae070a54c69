"""Forbidden words: which ones can occur at all, and an automaton that notices them letter by letter."""

from __future__ import annotations

from collections.abc import Iterable

DEAD = -1


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
