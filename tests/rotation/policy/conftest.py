"""An independent judge of policies, for tests that look at whole sets of strings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rotation.policy import Context, PasswordPolicy

Judge = Callable[[PasswordPolicy, Context, str], bool]


def naive_judge(policy: PasswordPolicy, context: Context, text: str) -> bool:
    """Judge by reading the policy's fields one by one, without any code of the engine."""
    low = text.lower()
    return (
        right_shape(policy, text)
        and enough_classes(policy, text)
        and not any(piece.lower() in low for word in banned(policy, context) for piece in pieces(*word))
        and far_from_previous(policy, context, text)
        and text not in [secret.reveal() for secret in context.history]
    )


def right_shape(policy: PasswordPolicy, text: str) -> bool:
    """Judge length, alphabet, ends and runs."""
    alphabet = set().union(*(charset.chars for charset in policy.charsets))
    return (
        len(text) == policy.length
        and set(text) <= alphabet
        and text[0] not in policy.first_not
        and text[-1] not in policy.last_not
        and not (policy.max_repeat and any(char * (policy.max_repeat + 1) in text for char in text))
    )


def enough_classes(policy: PasswordPolicy, text: str) -> bool:
    """Judge minimums and k-of-n rules."""
    sets = {charset.name: set(charset.chars) for charset in policy.charsets}
    for charset in policy.charsets:
        if len([char for char in text if char in charset.chars]) < charset.min_chars:
            return False
    for rule in policy.classes:
        groups = rule.of or [(name,) for name in sets]
        present = [any(char in sets[name] for name in group for char in text) for group in groups]
        if present.count(True) < rule.count:
            return False
    return True


def banned(policy: PasswordPolicy, context: Context) -> list[tuple[str, int]]:
    """List the forbidden words and names, each with its shortest forbidden fragment."""
    words = [(word.text, word.fragment) for word in policy.words]
    for rule in policy.names:
        name = context.username if rule.key == "username" else context.names.get(rule.key, "")
        words += [(name, rule.fragment)] + [(name[::-1], rule.fragment)] * rule.backwards
    return words


def pieces(word: str, fragment: int) -> set[str]:
    """List what must not occur because of one word."""
    if fragment:
        return {word[a:b] for a in range(len(word)) for b in range(a + fragment, len(word) + 1)}
    return {word} - {""}


def far_from_previous(policy: PasswordPolicy, context: Context, text: str) -> bool:
    """Judge the distance from the previous password."""
    if context.previous is None:
        return True
    old = context.previous.reveal()
    pad = max(len(old), len(text))
    changed = sum(a != b for a, b in zip(old.ljust(pad, "\0"), text.ljust(pad, "\0"), strict=True))
    return text != old and changed >= policy.positions and len(set(text) - set(old)) >= policy.new_chars


@pytest.fixture(scope="session")
def judge() -> Judge:
    """The independent judge."""
    return naive_judge
