"""JSON Schema (2020-12), with patterns that mean the same in every regular-expression dialect."""

from __future__ import annotations

import json
from itertools import combinations

from rotation.policy.model import NO_CONTEXT, PolicyFields
from rotation.policy.render.result import Rendered, account_rules
from rotation.policy.rules import resolve

Schema = dict[str, object]


def to_json_schema(policy: PolicyFields) -> Rendered:
    """Return a schema that accepts what the policy accepts, apart from rules that need the account.

    Negated bracket expressions replace anchors at the end, since ``$`` also matches before a final newline in Python.
    """
    rules = resolve(policy, NO_CONTEXT, policy.length)
    never = [f"[^{_inside(policy.alphabet)}]"]
    if policy.first_not:
        never.append(f"^[{_inside(policy.first_not)}]")
    if policy.max_repeat:
        never += [f"[{_inside(char)}]{{{policy.max_repeat + 1}}}" for char in policy.alphabet]
    never += ["".join(f"[{_inside(_cases(letter))}]" for letter in word) for word in rules.words]
    every: list[Schema] = [{"not": {"pattern": pattern}} for pattern in never]
    if policy.last_not:
        # The alphabet has already refused the newline before which "$" might match.
        every.append({"not": {"pattern": f"[{_inside(policy.last_not)}]$"}})
    every += [_holds(charset.chars, charset.min_chars) for charset in policy.charsets if charset.min_chars]
    for count, groups in rules.classes:
        choices = combinations(groups, count)
        every.append({"anyOf": [{"allOf": [_holds(group, 1) for group in chosen]} for chosen in choices]})
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": policy.name,
        "type": "string",
        "minLength": policy.min_length,
        "maxLength": policy.max_length,
        "allOf": every,
    }
    return Rendered(json.dumps(schema, indent=2), account_rules(policy), schema)


def _holds(chars: str, least: int) -> Schema:
    """Require ``least`` characters out of ``chars`` at any position."""
    return {"pattern": ".*".join([f"[{_inside(chars)}]"] * least)}


def _cases(letter: str) -> str:
    return letter + letter.upper() if letter.upper() != letter else letter


def _inside(chars: str) -> str:
    """Return characters for the inside of a bracket expression, escaped where any dialect needs it."""
    return "".join(f"\\{char}" if char in "\\]^[-" else char for char in chars)
