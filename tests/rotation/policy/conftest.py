"""An independent judge of policies, for tests that look at whole sets of strings."""

import pytest


@pytest.fixture(scope="session")
def judge():
    """A function that judges by reading the policy's fields one by one, without any code of the engine."""
    return lambda policy, context, text: (
        right_shape(policy, text)
        and enough_classes(policy, text)
        and not any(piece in text.lower() for piece in banned(policy, context))
        and far_from_previous(policy, context, text)
        and text not in [secret.reveal() for secret in context.history]
    )


def right_shape(policy, text):
    """Judge length, alphabet, ends and runs."""
    return (
        len(text) == policy.length
        and set(text) <= set().union(*(charset.chars for charset in policy.charsets))
        and text[0] not in policy.first_not
        and text[-1] not in policy.last_not
        and not (policy.max_repeat and any(char * (policy.max_repeat + 1) in text for char in text))
    )


def enough_classes(policy, text):
    """Judge minimums and k-of-n rules."""
    sets = {charset.name: set(charset.chars) for charset in policy.charsets}
    for rule in policy.classes:
        groups = rule.of or [(name,) for name in sets]
        if sum(any(char in sets[name] for name in group for char in text) for group in groups) < rule.count:
            return False
    return all(len([char for char in text if char in own.chars]) >= own.min_chars for own in policy.charsets)


def banned(policy, context):
    """List, in lower case, every piece of a forbidden word or name that must not occur."""
    words = [(word.text, word.fragment) for word in policy.words]
    for rule in policy.names:
        name = context.username if rule.key == "username" else context.names.get(rule.key, "")
        words += [(name, rule.fragment)] + [(name[::-1], rule.fragment)] * rule.backwards
    for word, fragment in words:
        shortest = fragment or len(word) or 1
        for start in range(len(word)):
            yield from (word[start:end].lower() for end in range(start + shortest, len(word) + 1))


def far_from_previous(policy, context, text):
    """Judge the distance from the previous password."""
    if context.previous is None:
        return True
    old = context.previous.reveal()
    pad = max(len(old), len(text))
    changed = sum(a != b for a, b in zip(old.ljust(pad, "\0"), text.ljust(pad, "\0"), strict=True))
    return text != old and changed >= policy.positions and len(set(text) - set(old)) >= policy.new_chars
