"""Refuse rules that no string satisfies, naming those that contradict each other, and rules that leave too few."""

from __future__ import annotations

from collections.abc import Iterable
from math import log2
from typing import Any

from rotation.core.errors import PolicyError
from rotation.policy.checker import Checker
from rotation.policy.counting.language import Language
from rotation.policy.rules import Rules

LEAST_BITS = 50


def exact_size(rules: Rules, language: Language) -> int:
    """Return how many strings satisfy the rules, given the ``language`` that counts them without ``rules.used``."""
    accepts = Checker(rules._replace(used=frozenset()))
    alphabet = frozenset(rules.alphabet)
    used = [text for text in rules.used if len(text) == rules.length and alphabet.issuperset(text)]
    return language.size - sum(accepts(text.encode()) for text in used)


def check_size(label: str, rules: Rules, size: int, *, allow_weak: bool) -> None:
    """Raise if ``size``, the number of strings that satisfy the rules, is zero or too small.

    Raises:
        PolicyError: names the contradicting rules, or the bits that are left.
    """
    if size < 1:
        rule_names = ", ".join(contradiction(rules))
        raise PolicyError(
            f"{label}: no string of length {rules.length} satisfies {rule_names or 'history'} together",
            hint="Loosen one of the rules named, or choose another length within the vendor's bounds.",
        )
    if size < 1 << LEAST_BITS and not allow_weak:
        raise PolicyError(
            f"{label}: weak: leaves {log2(size):.1f} bits, fewer than {LEAST_BITS}",
            hint="Choose a longer password or exclude fewer characters; allow_weak accepts the policy as it is.",
        )


def contradiction(rules: Rules) -> tuple[str, ...]:
    """Return the names of rules that contradict each other; if any one is left out, the others can be satisfied."""
    active = _active(rules)
    clash = set(active)
    for name in active:
        others = clash - {name}
        if Language(_without(rules, [part for other, part in active.items() if other not in others])).size == 0:
            clash = others
    return tuple(name for name in active if name in clash)


def _active(rules: Rules) -> dict[str, tuple[str, object]]:
    """Return every active rule as its field in ``Rules`` and its entry there, if any, by its name in messages."""
    found: dict[str, tuple[str, object]] = {}
    for chars, least in rules.minimums:
        found[f"min_chars({least} of {chars})"] = ("minimums", (chars, least))
    for count, groups in rules.classes:
        found[f"classes({count} of {len(groups)})"] = ("classes", (count, groups))
    for field in ("first_not", "last_not", "max_repeat", "words", "names", "positions", "new_chars"):
        value = getattr(rules, field)
        if value:
            found[f"{field}({value})" if isinstance(value, int) else field] = (field, None)
    return found


def _without(rules: Rules, parts: Iterable[tuple[str, object]]) -> Rules:
    """Return the rules without some fields or entries of fields."""
    for field, entry in parts:
        value = getattr(rules, field)
        left: Any = type(value)() if entry is None else tuple(other for other in value if other != entry)
        rules = rules._replace(**{field: left})
    return rules
