"""The rules for strings of one length in one context, as plain data for the checker, the counting and the bounds."""

from __future__ import annotations

from typing import NamedTuple

from rotation.policy.model import Context, PolicyFields


class Rules(NamedTuple):
    """What a string of exactly ``length`` characters must satisfy.

    ``minimums`` and ``classes`` hold characters, not names. ``words`` and ``names`` are lower-case.
    ``used`` are whole strings that must not come again. Never print an instance: it holds old passwords.
    """

    alphabet: str
    length: int
    minimums: tuple[tuple[str, int], ...]
    classes: tuple[tuple[int, tuple[str, ...]], ...]
    first_not: str
    last_not: str
    max_repeat: int
    words: tuple[str, ...]
    names: tuple[str, ...]
    previous: str
    positions: int
    new_chars: int
    used: frozenset[str]

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The words and names that can occur at all, shortest first, without those that contain a shorter one."""
        letters = frozenset(self.alphabet.lower())
        kept: list[str] = []
        for word in sorted({*self.words, *self.names}, key=lambda word: (len(word), word)):
            if len(word) <= self.length and letters.issuperset(word) and not any(short in word for short in kept):
                kept.append(word)
        return tuple(kept)


def resolve(policy: PolicyFields, context: Context, length: int) -> Rules:
    """Return the rules for strings of ``length`` characters in this context."""
    chars = {charset.name: charset.chars for charset in policy.charsets}
    spellings = [(name, rule.fragment) for rule in policy.names for name in rule.spellings(context.name(rule.key))]
    previous = "" if context.previous is None else context.previous.reveal()
    return Rules(
        alphabet=policy.alphabet,
        length=length,
        minimums=tuple((charset.chars, charset.min_chars) for charset in policy.charsets if charset.min_chars),
        classes=tuple(
            (rule.count, tuple("".join(chars[name] for name in group) for group in policy.groups(rule)))
            for rule in policy.classes
        ),
        first_not=policy.first_not,
        last_not=policy.last_not,
        max_repeat=policy.max_repeat,
        words=tuple(piece.lower() for word in policy.words for piece in fragments(word.text, word.fragment)),
        names=tuple(piece.lower() for name, shortest in spellings for piece in fragments(name, shortest)),
        previous=previous,
        positions=policy.positions if previous else 0,
        new_chars=policy.new_chars if previous else 0,
        used=context.used(),
    )


def far_enough(rules: Rules, candidate: str) -> bool:
    """Return whether the candidate differs enough from the previous password.

    A position that only one of the two strings has counts as different.
    """
    previous = rules.previous
    same = sum(a == b for a, b in zip(candidate, previous, strict=False))
    return (not rules.positions or max(len(candidate), len(previous)) - same >= rules.positions) and (
        not rules.new_chars or len(set(candidate) - set(previous)) >= rules.new_chars
    )


def fragments(word: str, shortest: int) -> tuple[str, ...]:
    """Return the pieces of ``word`` whose absence rules out every piece of ``shortest`` or more characters.

    A longer piece always holds one of exactly ``shortest``. Zero means that only the whole word is forbidden.
    """
    if not shortest:
        return (word,)
    return tuple(word[start : start + shortest] for start in range(len(word) - shortest + 1))
