"""Refuse what nothing satisfies, with the rules that contradict each other, and what leaves too little to guess."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

from rotation.core.errors import PolicyError
from rotation.policy.checker import Checker
from rotation.policy.counting.language import Language
from rotation.policy.rules import Rules

LEAST_BITS = 50


def exact_size(rules: Rules, language: Language) -> int:
    """Return how many strings satisfy the rules, given the language that leaves out ``rules.used``."""
    accepts = Checker(rules._replace(used=frozenset()))
    alphabet = frozenset(rules.alphabet)
    again = [text for text in rules.used if len(text) == rules.length and alphabet.issuperset(text)]
    return language.size - sum(accepts(text.encode()) for text in again)


def check_size(label: str, rules: Rules, size: int, *, allow_weak: bool) -> None:
    """Refuse an accepted set of ``size`` strings that is empty or too small.

    Raises:
        PolicyError: names the contradicting rules, or the bits that are left.
    """
    if size < 1:
        clash = ", ".join(contradiction(rules))
        raise PolicyError(
            f"{label}: no string of length {rules.length} satisfies {clash or 'history'} together",
            hint="Loosen one of the rules named, or choose another length within the vendor's bounds.",
        )
    if size < 1 << LEAST_BITS and not allow_weak:
        raise PolicyError(
            f"{label}: weak: leaves {log2(size):.1f} bits, fewer than {LEAST_BITS}",
            hint="Choose a longer password or exclude fewer characters; allow_weak accepts the policy as it is.",
        )


def contradiction(rules: Rules) -> tuple[str, ...]:
    """Return the names of rules that cannot hold together; without any one of them the others can."""
    kept = _relaxations(rules)
    for name in list(kept):
        without = {other: relax for other, relax in kept.items() if other != name}
        if _impossible(rules, without):
            kept = without
    return tuple(kept)


def _impossible(rules: Rules, active: dict[str, Callable[[Rules], Rules]]) -> bool:
    """Say whether the active rules alone leave nothing."""
    for name, relax in _relaxations(rules).items():
        if name not in active:
            rules = relax(rules)
    return Language(rules).size == 0


def _relaxations(rules: Rules) -> dict[str, Callable[[Rules], Rules]]:
    """Return every rule that is active, with the change that switches it off."""
    found: dict[str, Callable[[Rules], Rules]] = {}
    for chars, count in rules.minimums:
        found[f"min_chars({count} of {chars})"] = _drop_minimum((chars, count))
    for count, groups in rules.classes:
        found[f"classes({count} of {len(groups)})"] = _drop_class((count, groups))
    if rules.first_not:
        found["first_not"] = lambda now: now._replace(first_not="")
    if rules.last_not:
        found["last_not"] = lambda now: now._replace(last_not="")
    if rules.max_repeat:
        found[f"max_repeat({rules.max_repeat})"] = lambda now: now._replace(max_repeat=0)
    if rules.words:
        found["words"] = lambda now: now._replace(words=())
    if rules.names:
        found["names"] = lambda now: now._replace(names=())
    if rules.positions:
        found[f"positions({rules.positions})"] = lambda now: now._replace(positions=0)
    if rules.new_chars:
        found[f"new_chars({rules.new_chars})"] = lambda now: now._replace(new_chars=0)
    return found


def _drop_minimum(rule: tuple[str, int]) -> Callable[[Rules], Rules]:
    return lambda now: now._replace(minimums=tuple(other for other in now.minimums if other != rule))


def _drop_class(rule: tuple[int, tuple[str, ...]]) -> Callable[[Rules], Rules]:
    return lambda now: now._replace(classes=tuple(other for other in now.classes if other != rule))
