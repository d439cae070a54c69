"""Whether a string is accepted: ``problems`` says it in words for people, ``Checker`` fast for the generator."""

from __future__ import annotations

import re

from rotation.policy.model import Context, Name, PolicyFields, Problem, Word
from rotation.policy.rules import Rules, far_enough, resolve


def problems(policy: PolicyFields, candidate: str, context: Context) -> tuple[Problem, ...]:
    """Return every rule that the candidate breaks, in the order of the policy's fields."""
    rules = resolve(policy, context, len(candidate))
    found = [*_shape(policy, candidate), *_classes(policy, rules, candidate), *_content(policy, rules, candidate)]
    if not far_enough(rules, candidate):
        found.append(Problem("distance", distance_text(policy)))
    if candidate in rules.used:
        found.append(Problem("history", "must not be the previous password or one used before"))
    return tuple(found)


def _shape(policy: PolicyFields, candidate: str) -> list[Problem]:
    found = []
    if len(candidate) < policy.min_length:
        found.append(Problem("too_short", f"must have {policy.min_length} characters or more"))
    if len(candidate) > policy.max_length:
        found.append(Problem("too_long", f"must have {policy.max_length} characters or fewer"))
    if not set(candidate) <= set(policy.alphabet):
        found.append(Problem("character", f"may only have the characters {policy.alphabet}"))
    if candidate[:1] and candidate[0] in policy.first_not:
        found.append(Problem("first_not", f"must not start with one of {policy.first_not}"))
    if candidate[-1:] and candidate[-1] in policy.last_not:
        found.append(Problem("last_not", f"must not end with one of {policy.last_not}"))
    return found


def _classes(policy: PolicyFields, rules: Rules, candidate: str) -> list[Problem]:
    found = [
        Problem("min_chars", f"must have {charset.min_chars} or more of {charset.name}")
        for charset in policy.charsets
        if sum(char in charset.chars for char in candidate) < charset.min_chars
    ]
    for rule, (count, groups) in zip(policy.classes, rules.classes, strict=True):
        if sum(any(char in group for char in candidate) for group in groups) < count:
            found.append(Problem("classes", classes_text(policy.groups(rule), count)))
    return found


def _content(policy: PolicyFields, rules: Rules, candidate: str) -> list[Problem]:
    found = []
    lower = candidate.lower()
    if policy.max_repeat and re.search(rf"(.)\1{{{policy.max_repeat}}}", candidate, re.DOTALL):
        found.append(Problem("max_repeat", f"must not repeat a character more than {policy.max_repeat} times in a row"))
    if any(word in lower for word in rules.words):
        found.append(Problem("word", "must not contain " + ", ".join(map(word_text, policy.words))))
    if any(name in lower for name in rules.names):
        found.append(Problem("name", "must not contain " + ", ".join(map(name_text, policy.names))))
    return found


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


def distance_text(policy: PolicyFields) -> str:
    """Return the distance rule in words."""
    return (
        f"must differ from the previous password at {policy.positions} or more positions "
        f"and have {policy.new_chars} or more distinct characters that the previous one lacks"
    )


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
