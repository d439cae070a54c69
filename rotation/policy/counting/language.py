"""How many strings satisfy the rules, exactly, and which one has a given rank. The package's header has an example."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rotation.core.errors import PolicyError
from rotation.policy.rules import Rules

Membership = tuple[tuple[bool, ...], tuple[frozenset[int], ...]]
_Debt = tuple[tuple[int, ...], tuple[frozenset[int], ...]]
DEAD = -1

# Steps of a microsecond or a few. The vendors' policies with names and a previous password take a quarter of them.
MOST_WORK = 1_000_000

# How many distinct new characters of each kind occur already, by the kind's index; ``None`` once there are enough.
Seen = tuple[tuple[int, int], ...] | None


class ClassDebts:
    """Numbers the debts that occur, so that a state holds one integer.

    A debt is how many characters of each charset are missing, and which classes of each k-of-n rule occur already.
    A rule that is satisfied counts all its classes as present, so that equal debts have one number.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._numbers: dict[_Debt, int] = {}
        self._debts: list[_Debt] = []
        self._least: list[int] = []
        self._paid: dict[tuple[int, Membership], int] = {}
        sets = [chars for chars, _ in rules.minimums]
        self._disjoint = len(set("".join(sets))) == sum(map(len, sets))
        counts = tuple(count for _, count in rules.minimums)
        self.start = self._number((counts, tuple(frozenset() for _ in rules.classes)))

    def membership(self, char: str) -> Membership:
        """Return the charsets and classes of a character; characters with equal results pay the same debts."""
        return (
            tuple(char in chars for chars, _ in self._rules.minimums),
            tuple(
                frozenset(index for index, chars in enumerate(groups) if char in chars)
                for _, groups in self._rules.classes
            ),
        )

    def pay(self, debt: int, membership: Membership) -> int:
        """Return the debt after one more character."""
        known = self._paid.get((debt, membership))
        if known is None:
            counts, present = self._debts[debt]
            inside, groups = membership
            owed = tuple(max(0, count - member) for count, member in zip(counts, inside, strict=True))
            known = self._number((owed, tuple(map(_present, self._rules.classes, present, groups))))
            self._paid[debt, membership] = known
        return known

    def least(self, debt: int) -> int:
        """Return a lower bound of the characters that pay the debt; 0 exactly when nothing is owed."""
        return self._least[debt]

    def _number(self, debt: _Debt) -> int:
        number = self._numbers.setdefault(debt, len(self._numbers))
        if number == len(self._debts):
            counts, present = debt
            self._debts.append(debt)
            by_count = sum(counts) if self._disjoint else max(counts, default=0)
            rules = zip(self._rules.classes, present, strict=True)
            # One character may lie in several overlapping classes, so all missing classes together count as one.
            self._least.append(max(by_count, int(any(count > len(seen) for (count, _), seen in rules))))
        return number


def _present(rule: tuple[int, tuple[str, ...]], before: frozenset[int], now: frozenset[int]) -> frozenset[int]:
    """Return the classes that occur; all of them once the rule is satisfied."""
    count, groups = rule
    both = before | now
    return frozenset(range(len(groups))) if len(both) >= count else both


class WordAutomaton:
    """An Aho-Corasick automaton; a node stands for the longest end of what was read that begins a forbidden word.

    It reads lower-case letters. Node 0 is the empty beginning. For the words ``ab`` and ``bc``, node 1 means "after a"
    and node 3 "after b": from node 1, ``a`` leads to node 1, ``c`` to node 0, and ``b`` completes ``ab``. No word may
    contain another (see ``Rules.forbidden``).
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


class Kind(NamedTuple):
    """Characters that no rule distinguishes.

    ``letter`` is the lower-case letter where forbidden words have it, else empty. ``first_ok`` and ``last_ok`` say
    whether the characters may stand at the ends. ``new`` says whether the previous password lacks them.
    """

    chars: str
    membership: Membership
    letter: str
    first_ok: bool
    last_ok: bool
    new: bool


class State(NamedTuple):
    """What the beginning of a string means for the rest of it.

    ``last`` is the kind of the last character and ``run`` how often that character just occurred in a row; -1 and 0
    at the start and without a run rule. ``differs`` counts the positions that differ from the previous password.
    """

    debt: int
    node: int
    last: int
    run: int
    seen: Seen
    differs: int


class Option(NamedTuple):
    """Characters of one kind that lead to the same state.

    ``repeats`` says whether the option is the last character once more; otherwise that character is left out.
    ``each`` is how many ways to continue there are after any of the characters.
    """

    kind: Kind
    repeats: bool
    each: int
    following: State


class Language:
    """The strings that satisfy ``rules``, except that ``rules.used`` is left to the caller."""

    def __init__(self, rules: Rules) -> None:
        self.length = rules.length
        self.max_repeat = rules.max_repeat
        self.new_chars = rules.new_chars
        # Enough new characters always mean enough changed positions.
        self.positions = rules.positions if rules.positions > rules.new_chars else 0
        self.previous = rules.previous
        self._words = WordAutomaton(rules.forbidden)
        self._debts = ClassDebts(rules)
        self.kinds = self._sort_into_kinds(rules)
        self._counts: list[dict[State, int]] = [{} for _ in range(rules.length + 1)]
        self._known_moves: dict[object, dict[State, int]] = {}
        self._known_options: dict[tuple[int, State], tuple[list[int], list[Option]]] = {}
        self._work = 0
        surplus = max(0, len(self.previous) - self.length)
        self.start = State(self._debts.start, 0, -1, 0, () if self.new_chars else None, min(self.positions, surplus))
        self.size = self.count(0, self.start)

    def _sort_into_kinds(self, rules: Rules) -> tuple[Kind, ...]:
        by_key: dict[tuple[object, ...], list[str]] = {}
        for char in rules.alphabet:
            letter = char.lower() if char.lower() in self._words.letters else ""
            old = char in rules.previous
            alone = char if self.positions and old else ""
            edges = (char not in rules.first_not, char not in rules.last_not)
            key = (self._debts.membership(char), letter, *edges, bool(self.new_chars) and not old, alone)
            by_key.setdefault(key, []).append(char)
        return tuple(
            Kind("".join(chars), *key[:5])  # type: ignore[arg-type]  # the key was built in this order just above
            for key, chars in by_key.items()
        )

    def count(self, at: int, state: State) -> int:
        """Return how many ways there are to continue from ``state`` after ``at`` characters."""
        known = self._counts[at].get(state)
        if known is None:
            known = self._counts[at][state] = self._count(at, state)
        return known

    def _count(self, at: int, state: State) -> int:
        left = self.length - at
        missing = 0 if state.seen is None else self.new_chars - sum(number for _, number in state.seen)
        if max(self._debts.least(state.debt), missing, self.positions - state.differs) > left:
            return 0
        if not left:
            return 1
        return self._without_run(at, state) if state.last < 0 else self._inside_run(at, state)

    def _without_run(self, at: int, state: State) -> int:
        """Return the ways to continue when every next character starts a run."""
        after = at + 1
        moves = self._moves(at, state)
        self._work += len(moves)
        if self._work > MOST_WORK:
            raise PolicyError("the rules are too entangled to be counted: words, runs, classes and distance")
        return sum([number * self.count(after, following) for following, number in moves.items()])

    def _inside_run(self, at: int, state: State) -> int:
        """Return the ways to continue when one of the next characters continues the run."""
        # The sum without a run also counts that character as the start of a new run, which is taken back.
        return (
            self.count(at, state._replace(last=-1, run=0))
            - self._after_last(at, state, run=1)
            + self._after_last(at, state, run=state.run + 1)
        )

    def _after_last(self, at: int, state: State, run: int) -> int:
        following = self._step(at, state, state.last, run, state.seen)
        return 0 if following is None else self.count(at + 1, following)

    def _moves(self, at: int, state: State) -> dict[State, int]:
        """Return the states that one more character may lead to, and how many characters lead to each."""
        # The position matters at both ends of the string, and everywhere when positions are compared.
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

    def _choices(self, index: int, seen: Seen) -> tuple[tuple[int, Seen], ...]:
        """Return how many characters of one kind lead to each new value of ``seen``."""
        kind = self.kinds[index]
        if seen is None or not kind.new:
            return ((len(kind.chars), seen),)
        counts = dict(seen)
        already = counts.get(index, 0)
        counts[index] = already + 1
        more = None if sum(counts.values()) >= self.new_chars else tuple(sorted(counts.items()))
        return ((len(kind.chars) - already, more), (already, seen))

    def _step(self, at: int, state: State, index: int, run: int, seen: Seen) -> State | None:
        """Return the state after one more character of a kind, or ``None`` where a rule forbids it."""
        kind = self.kinds[index]
        if (at == 0 and not kind.first_ok) or (at == self.length - 1 and not kind.last_ok):
            return None
        node = self._words.step(state.node, kind.letter) if kind.letter else 0
        if node == DEAD:
            return None
        last = -1
        if not self.max_repeat:
            run = 0
        elif run > self.max_repeat:
            return None
        else:
            last = index
        differs = state.differs
        if differs < self.positions and kind.chars != self.previous[at : at + 1]:
            differs += 1
        return State(self._debts.pay(state.debt, kind.membership), node, last, run, seen, differs)

    def unrank(self, rank: int) -> str:
        """Return string number ``rank`` of ``size``, counted from 0 in a fixed order."""
        text = ""
        state = self.start
        for at in range(self.length):
            ends, options = self._options(at, state)
            index = bisect_right(ends, rank)
            rank -= ends[index - 1] if index else 0
            option = options[index]
            number, rank = divmod(rank, option.each)
            text += self._pool(option, text, state.seen)[number]
            state = option.following
        return text

    def _options(self, at: int, state: State) -> tuple[list[int], list[Option]]:
        """Return the options for one character in a fixed order, and for each the first rank beyond it."""
        known = self._known_options.get((at, state))
        if known is None:
            ends, options = known = self._known_options[at, state] = [], []
            for number, option in self._possible(at, state):
                ends.append(number * option.each + (ends[-1] if ends else 0))
                options.append(option)
        return known

    def _possible(self, at: int, state: State) -> Iterator[tuple[int, Option]]:
        """Yield every option that can be completed to a whole string, with the number of its characters."""
        for index, kind in enumerate(self.kinds):
            for number, seen in self._choices(index, state.seen):
                # A repeated character is not new, so it is among those that leave ``seen`` as it is.
                repeated = int(state.last == index and seen == state.seen)
                for size, run in ((repeated, state.run + 1), (number - repeated, 1)):
                    following = self._step(at, state, index, run, seen) if size else None
                    each = 0 if following is None else self.count(at + 1, following)
                    if following is not None and each:
                        yield size, Option(kind, run > 1, each, following)

    def _pool(self, option: Option, text: str, seen: Seen) -> str:
        """Return the characters of an option after ``text``."""
        if option.repeats:
            return text[-1]
        chars = option.kind.chars
        if option.kind.new and seen is not None:
            chars = "".join(char for char in chars if (char in text) == (seen == option.following.seen))
        return chars.replace(text[-1:], "") if self.max_repeat else chars
