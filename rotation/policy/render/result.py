"""What every renderer returns, and the rules that no other language can express."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotation.policy.model import PolicyFields


@dataclass(frozen=True)
class Rendered:
    """A policy in another language.

    Args:
        lost: what the language cannot express, one sentence each.
        data: the same as an object, where the language has one.
        refused: the share of the strings made by that text that our policy refuses; 0 for languages that only check.
    """

    text: str
    lost: tuple[str, ...]
    data: Mapping[str, object] = field(default_factory=dict)
    refused: float = 0.0


def account_rules(policy: PolicyFields) -> tuple[str, ...]:
    """Return the rules that depend on the account, which a text made beforehand cannot know."""
    lost = [f"names: the value of {name.key} is not known to it" for name in policy.names]
    if policy.positions or policy.new_chars:
        lost.append("positions, new_chars: the previous password is not known to it")
    lost.append("history: older passwords are not known to it")
    if policy.min_age_seconds:
        lost.append(f"min_age_seconds: {policy.min_age_seconds} seconds between changes")
    return tuple(lost)
