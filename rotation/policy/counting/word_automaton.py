"""An Aho-Corasick automaton that notices forbidden words letter by letter."""

from __future__ import annotations

from collections.abc import Iterable

DEAD = -1


class WordAutomaton:
    """Reads lower-case letters; a node stands for the longest end of what was read that begins a forbidden word.

    Node 0 is the empty beginning. For the words ``ab`` and ``bc``, node 1 means "after a" and node 3 "after b": from
    node 1, ``a`` leads to node 1, ``c`` to node 0, and ``b`` completes ``ab``. No word may contain another (see
    ``Rules.forbidden``).
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.letters = frozenset[str]().union(*words)
        self._next: list[dict[str, int]] = [{}]
        complete = set[int]()
        for word in words:
            node = 0
            for letter in word:
                if letter not in self._next[node]:
                    self._next[node][letter] = len(self._next)
                    self._next.append({})
                node = self._next[node][letter]
            complete.add(node)
        self._link()
        for targets in self._next:
            for letter, node in targets.items():
                if node in complete:
                    targets[letter] = DEAD

    def _link(self) -> None:
        """Fill in, breadth first, where a letter leads that does not continue the current word."""
        suffix = [0] * len(self._next)
        queue = list(self._next[0].values())
        for node in queue:
            for letter, child in self._next[node].items():
                suffix[child] = self._next[suffix[node]].get(letter, 0)
                queue.append(child)
            self._next[node] = {**self._next[suffix[node]], **self._next[node]}

    def step(self, node: int, letter: str) -> int:
        """Return the node after one more letter, or ``DEAD`` when it completes a word."""
        return self._next[node].get(letter, 0)
