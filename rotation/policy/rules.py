"""The rules for strings of one length in one context, as plain data, and who judges a string by them.

``problems`` names broken rules for people, ``Checker`` is fast, for the generator, and counting reads the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rotation.policy.model import Context, Name, PolicyFields, Problem, Word


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


# Whether a rule is broken, its code, and the rule in words.
_Verdict = tuple[bool, str, str]


def problems(policy: PolicyFields, candidate: str, context: Context) -> tuple[Problem, ...]:
    """Return every rule that the candidate breaks."""
    rules = resolve(policy, context, len(candidate))
    verdicts = (*_shape(policy, candidate), *_classes(policy, rules, candidate), *_content(policy, rules, candidate))
    return tuple(Problem(code, message) for broken, code, message in verdicts if broken)


def _shape(policy: PolicyFields, candidate: str) -> Iterator[_Verdict]:
    first, last = set(candidate[:1]), set(candidate[-1:])
    yield len(candidate) < policy.min_length, "too_short", f"must have {policy.min_length} characters or more"
    yield len(candidate) > policy.max_length, "too_long", f"must have {policy.max_length} characters or fewer"
    yield not set(candidate) <= set(policy.alphabet), "character", f"may only have the characters {policy.alphabet}"
    yield bool(first & set(policy.first_not)), "first_not", f"must not start with one of {policy.first_not}"
    yield bool(last & set(policy.last_not)), "last_not", f"must not end with one of {policy.last_not}"


def _classes(policy: PolicyFields, rules: Rules, candidate: str) -> Iterator[_Verdict]:
    for charset in policy.charsets:
        few = sum(char in charset.chars for char in candidate) < charset.min_chars
        yield few, "min_chars", f"must have {charset.min_chars} or more of {charset.name}"
    for rule, (count, groups) in zip(policy.classes, rules.classes, strict=True):
        few = sum(any(char in group for char in candidate) for group in groups) < count
        yield few, "classes", classes_text(policy.groups(rule), count)


def _content(policy: PolicyFields, rules: Rules, candidate: str) -> Iterator[_Verdict]:
    lower, most = candidate.lower(), policy.max_repeat
    run = bool(most and re.search(rf"(.)\1{{{most}}}", candidate, re.DOTALL))
    yield run, "max_repeat", f"must not repeat a character more than {most} times in a row"
    words, names = ", ".join(map(word_text, policy.words)), ", ".join(map(name_text, policy.names))
    yield any(word in lower for word in rules.words), "word", f"must not contain {words}"
    yield any(name in lower for name in rules.names), "name", f"must not contain {names}"
    distance = (
        f"must differ from the previous password at {policy.positions} or more positions "
        f"and have {policy.new_chars} or more distinct characters that the previous one lacks"
    )
    yield not far_enough(rules, candidate), "distance", distance
    yield candidate in rules.used, "history", "must not be the previous password or one used before"


def classes_text(groups: tuple[tuple[str, ...], ...], count: int) -> str:
    """Return a k-of-n rule in words."""
    return f"must have characters of {count} or more of: " + ", ".join("/".join(group) for group in groups)


def word_text(word: Word) -> str:
    """Return a word rule in words."""
    return f"{word.text!r}" + (f" or {word.fragment} or more characters of it" if word.fragment else "")


def name_text(name: Name) -> str:
    """Return a name rule in words."""
    whole = f"the {name.key}" + (" or its reverse" if name.backwards else "")
    return whole + (f" or {name.fragment} or more characters of it" if name.fragment else "")


class Checker:
    """Accepts or refuses strings of the right length and alphabet, given as ASCII bytes."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        # ``translate`` deletes the characters of a class; the length of the rest counts the class at C speed.
        self._minimums = [(chars.encode(), rules.length - count) for chars, count in rules.minimums]
        self._classes = [(count, [chars.encode() for chars in groups]) for count, groups in rules.classes]
        self._first = rules.first_not.encode()
        self._last = rules.last_not.encode()
        self._run = re.compile(rb"(.)\1{%d}" % rules.max_repeat, re.DOTALL).search if rules.max_repeat else None
        self._words = [word.encode() for word in rules.forbidden]
        self._old = bool(rules.positions or rules.new_chars or rules.used)

    def __call__(self, text: bytes) -> bool:
        """Return whether ``text`` keeps every rule."""
        for chars, most_others in self._minimums:
            if len(text.translate(None, chars)) > most_others:
                return False
        length = len(text)
        for count, groups in self._classes:
            if sum([len(text.translate(None, chars)) < length for chars in groups]) < count:
                return False
        if (self._first and text[0] in self._first) or (self._last and text[-1] in self._last):
            return False
        if self._run is not None and self._run(text):
            return False
        if self._words:
            lower = text.lower()
            for word in self._words:
                if word in lower:
                    return False
        return not self._old or self._differs(text.decode())

    def _differs(self, text: str) -> bool:
        return text not in self._rules.used and far_enough(self._rules, text)
