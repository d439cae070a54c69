"""A policy in words and numbers, for people and for JSON."""

from __future__ import annotations

from rotation.policy.model import PolicyFields
from rotation.policy.policy import PasswordPolicy
from rotation.policy.rules import classes_text, name_text, word_text


def describe(policy: PasswordPolicy) -> dict[str, object]:
    """Return the policy, its exact numbers and its sources as JSON-able values; the size is text, since it is large."""
    size = policy.size()
    return {
        "name": policy.name,
        "length": policy.length,
        "min_length": policy.min_length,
        "max_length": policy.max_length,
        "alphabet": policy.alphabet,
        "min_age_seconds": policy.min_age_seconds,
        "rules": [{"rule": rule, "text": text, "sources": sources(policy, rule)} for rule, text in rule_texts(policy)],
        "size": str(size),
        "entropy_bits": round(policy.entropy_bits(), 2),
        "acceptance": policy.acceptance(),
        "sources": [
            {"cite": source.cite, "date": source.date, "rules": list(source.rules), "note": source.note}
            for source in policy.sources
        ],
    }


def sources(policy: PolicyFields, rule: str) -> list[str]:
    """Return the documents, with their dates, that a rule comes from."""
    return [f"{source.cite} ({source.date})" for source in policy.sources if rule in source.rules]


def rule_texts(policy: PolicyFields) -> list[tuple[str, str]]:
    """Return every active rule: the policy's field that holds it, and a sentence for people."""
    found = [("length", f"{policy.min_length} to {policy.max_length} characters; generated with {policy.length}")]
    for charset in policy.charsets:
        least = f", at least {charset.min_chars}" if charset.min_chars else ""
        found.append(("charsets", f"{charset.name}: {charset.chars}{least}"))
    found += [("classes", classes_text(policy.groups(rule), rule.count)) for rule in policy.classes]
    if policy.first_not:
        found.append(("first_not", f"does not start with one of {policy.first_not}"))
    if policy.last_not:
        found.append(("last_not", f"does not end with one of {policy.last_not}"))
    if policy.max_repeat:
        found.append(("max_repeat", f"at most {policy.max_repeat} times the same character in a row"))
    found += [("words", f"does not contain {word_text(word)}, in any case") for word in policy.words]
    found += [("names", f"does not contain {name_text(name)}, in any case") for name in policy.names]
    if policy.positions:
        found.append(("positions", f"{policy.positions} or more positions differ from the previous password"))
    if policy.new_chars:
        found.append(("new_chars", f"{policy.new_chars} or more distinct characters that the previous password lacks"))
    if policy.min_age_seconds:
        found.append(("min_age_seconds", f"no change within {policy.min_age_seconds} seconds after the last one"))
    return found
