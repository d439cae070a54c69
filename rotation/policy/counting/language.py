"""How many strings satisfy the rules, exactly, and which one is the n-th.

Dynamic programming from the left. Characters that no rule tells apart form a *kind* and are counted together, so that
the tables stay small: the state is what the rest of the string still owes (classes), the node of the word automaton,
the kind and length of the current run, and how far the string already is from the previous password.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from rotation.core.errors import PolicyError
from rotation.policy.counting.class_debts import Needs
from rotation.policy.counting.word_automaton import DEAD, Trie
from rotation.policy.rules import Rules

# Steps of a microsecond or a few. The vendors' policies with names and a previous password stay below 200,000.
MOST_WORK = 1_000_000


class Kind(NamedTuple):
    """Characters that behave alike: in the same classes, words, edge rules and part of the previous password."""

    chars: str
    signature: int
    letter: str
    first_ok: bool
    last_ok: bool
    new: bool


class State(NamedTuple):
    """What the past of a string means for its future.

    ``last`` and ``run`` are -1 and 0 without a run rule. ``seen`` counts the distinct new characters so far by kind,
    and is ``None`` once there are enough.
    """

    need: int
    node: int
    last: int
    run: int
    seen: tuple[tuple[int, int], ...] | None
    differs: int


class Option(NamedTuple):
    """Characters of a kind that lead to the same state.

    ``repeats`` is whether it is the last character once more, ``own`` how many of the kind go on with a run, ``each``
    how many ways to go on there are after any of them.
    """

    kind: Kind
    repeats: bool
    own: int
    seen: tuple[tuple[int, int], ...] | None
    each: int
    following: State


class Language:
    """The strings that satisfy ``rules``; ``rules.used`` is left to the caller."""

    def __init__(self, rules: Rules) -> None:
        self.length = rules.length
        self.max_repeat = rules.max_repeat
        self.new_chars = rules.new_chars
        # Enough new characters always mean enough changed positions.
        self.positions = rules.positions if rules.positions > rules.new_chars else 0
        self.previous = rules.previous
        self._trie = Trie(rules.forbidden)
        self._needs = Needs(rules)
        self.kinds = self._sort(rules)
        self._sums: list[dict[State, int]] = [{} for _ in range(rules.length + 1)]
        self._known_moves: dict[object, dict[State, int]] = {}
        self._known_options: dict[tuple[int, State], tuple[list[int], list[Option]]] = {}
        self._work = 0
        surplus = max(0, len(self.previous) - self.length)
        self.start = State(self._needs.start, 0, -1, 0, () if self.new_chars else None, min(self.positions, surplus))
        self.size = self.count(0, self.start)

    def _sort(self, rules: Rules) -> tuple[Kind, ...]:
        by_key: dict[tuple[object, ...], list[str]] = {}
        for char in rules.alphabet:
            letter = char.lower() if char.lower() in self._trie.letters else ""
            old = char in rules.previous
            alone = char if self.positions and old else ""
            edges = (char not in rules.first_not, char not in rules.last_not)
            key = (self._needs.signature(char), letter, *edges, bool(self.new_chars) and not old, alone)
            by_key.setdefault(key, []).append(char)
        return tuple(
            Kind("".join(chars), *key[:5])  # type: ignore[arg-type]  # the key was built in this order just above
            for key, chars in by_key.items()
        )

    def count(self, at: int, state: State) -> int:
        """Return how many ways there are to go on from ``state`` after ``at`` characters."""
        known = self._sums[at].get(state)
        if known is None:
            known = self._sums[at][state] = self._count(at, state)
        return known

    def _count(self, at: int, state: State) -> int:
        left = self.length - at
        seen = 0 if state.seen is None else self.new_chars - sum(number for _, number in state.seen)
        if max(self._needs.least(state.need), seen, self.positions - state.differs) > left:
            return 0
        if not left:
            return 1
        return self._free(at, state) if state.last < 0 else self._running(at, state)

    def _running(self, at: int, state: State) -> int:
        """Return the ways to go on inside a run."""
        # The free sum takes the repeated character for the start of a new run.
        total = self.count(at, state._replace(last=-1, run=0)) - self._after(at, state, state.last, 1, state.seen)
        if state.run < self.max_repeat:
            total += self._after(at, state, state.last, state.run + 1, state.seen)
        return total

    def _free(self, at: int, state: State) -> int:
        """Return the ways to go on when the next character starts a run, whatever it is."""
        after = at + 1
        moves = self._moves(at, state)
        self._work += len(moves)
        if self._work > MOST_WORK:
            raise PolicyError("the rules are too entangled to be counted: words, runs, classes and distance")
        return sum([number * self.count(after, following) for following, number in moves.items()])

    def _moves(self, at: int, state: State) -> dict[State, int]:
        """Return the states that one more character may lead to, and how many characters lead there."""
        # Where in the string we are matters at its ends, and everywhere when positions are compared.
        key = (at if self.positions else (at == 0, at == self.length - 1), state)
        moves = self._known_moves.get(key)
        if moves is None:
            moves = self._known_moves[key] = {}
            for index in range(len(self.kinds)):
                for number, seen in self._choices(index, state.seen):
                    following = self._step(at, state, index, 1, seen)
                    if following is not None and number:
                        moves[following] = moves.get(following, 0) + number
        return moves

    def _choices(
        self, index: int, seen: tuple[tuple[int, int], ...] | None
    ) -> tuple[tuple[int, tuple[tuple[int, int], ...] | None], ...]:
        """Return, for characters of one kind, how many there are by what seeing them does to ``seen``."""
        kind = self.kinds[index]
        if seen is None or not kind.new:
            return ((len(kind.chars), seen),)
        counts = dict(seen)
        already = counts.get(index, 0)
        counts[index] = already + 1
        more = None if sum(counts.values()) >= self.new_chars else tuple(sorted(counts.items()))
        return ((len(kind.chars) - already, more), (already, seen))

    def _after(self, at: int, state: State, index: int, run: int, seen: tuple[tuple[int, int], ...] | None) -> int:
        following = self._step(at, state, index, run, seen)
        return 0 if following is None else self.count(at + 1, following)

    def _step(
        self, at: int, state: State, index: int, run: int, seen: tuple[tuple[int, int], ...] | None
    ) -> State | None:
        """Return the state after one more character of a kind, or nothing where a rule forbids it."""
        kind = self.kinds[index]
        if (at == 0 and not kind.first_ok) or (at == self.length - 1 and not kind.last_ok):
            return None
        node = self._trie.step(state.node, kind.letter) if kind.letter else 0
        if node == DEAD:
            return None
        last, run = (index, run) if self.max_repeat else (-1, 0)
        differs = state.differs
        if differs < self.positions and kind.chars != self.previous[at : at + 1]:
            differs += 1
        return State(self._needs.step(state.need, kind.signature), node, last, run, seen, differs)

    def unrank(self, rank: int) -> str:
        """Return string number ``rank`` of ``size``, counted from 0 in a fixed order."""
        text = ""
        state = self.start
        for at in range(self.length):
            ends, options = self._options(at, state)
            index = bisect_right(ends, rank)
            rank -= ends[index - 1] if index else 0
            kind, repeats, own, seen, each, following = options[index]
            pool = text[-1] if repeats else self._pool(kind, text, own, state.seen, seen)
            text += pool[rank // each]
            rank, state = rank % each, following
        return text

    def _options(self, at: int, state: State) -> tuple[list[int], list[Option]]:
        """Return the choices for one character in their fixed order, and the first rank that is beyond each."""
        known = self._known_options.get((at, state))
        if known is None:
            ends: list[int] = []
            options = list(self._listed(at, state))
            for option, size in options:
                ends.append(size * option.each + (ends[-1] if ends else 0))
            known = self._known_options[at, state] = ends, [option for option, _ in options]
        return known

    def _listed(self, at: int, state: State) -> Iterator[tuple[Option, int]]:
        for index, kind in enumerate(self.kinds):
            repeats = int(state.last == index)
            for number, seen in self._choices(index, state.seen):
                # A repeated character is no new one: it stands among those that change nothing.
                own = repeats if seen == state.seen else 0
                for size, run in ((own, state.run + 1), (number - own, 1)):
                    if not size or (self.max_repeat and run > self.max_repeat):
                        continue
                    following = self._step(at, state, index, run, seen)
                    each = 0 if following is None else self.count(at + 1, following)
                    if following is not None and each:
                        yield Option(kind, run > 1, own, seen, each, following), size

    @staticmethod
    def _pool(kind: Kind, text: str, repeats: int, before: object, after: object) -> str:
        """Return the characters of a kind that a choice stands for."""
        chars = kind.chars
        if kind.new and before is not None:
            chars = "".join(char for char in chars if (char in text) == (before == after))
        return chars.replace(text[-1], "") if repeats else chars
