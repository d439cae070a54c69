"""Field checks of a policy: each fault is named by its field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.errors import PolicyError
from rotation.policy.model import check_characters

if TYPE_CHECKING:
    from rotation.policy.policy import PasswordPolicy

LONGEST = 128


def check_fields(policy: PasswordPolicy) -> None:
    """Refuse malformed fields.

    Raises:
        PolicyError: with every fault of the policy at once.
    """
    faults = [*_lengths(policy), *_charsets(policy), *_classes(policy)]
    counts = ("max_repeat", "positions", "new_chars", "min_age_seconds")
    faults += [f"{field}: must not be negative" for field in counts if getattr(policy, field) < 0]
    if faults:
        raise PolicyError(f"{policy.name}: {'; '.join(faults)}")
    check_characters(f"{policy.name}: first_not", policy.first_not)
    check_characters(f"{policy.name}: last_not", policy.last_not)


def _lengths(policy: PasswordPolicy) -> list[str]:
    if not 1 <= policy.min_length <= policy.max_length <= LONGEST:
        return [f"length: bounds {policy.min_length} to {policy.max_length} are not within 1 to {LONGEST}"]
    if not policy.min_length <= policy.length <= policy.max_length:
        return [f"length: {policy.length} is not within {policy.min_length} to {policy.max_length}"]
    return []


def _charsets(policy: PasswordPolicy) -> list[str]:
    names = [charset.name for charset in policy.charsets]
    if not names:
        return ["charset: the alphabet is empty"]
    if len(set(names)) != len(names):
        return ["charset: two have the same name"]
    return []


def _classes(policy: PasswordPolicy) -> list[str]:
    faults = []
    names = {charset.name for charset in policy.charsets}
    for rule in policy.classes:
        groups = policy.groups(rule)
        if rule.count > len(groups):
            faults.append(f"classes: {rule.count} of only {len(groups)} are asked for")
        unknown = {name for group in groups for name in group} - names
        if unknown:
            faults.append(f"classes: no charset is called {', '.join(sorted(unknown))}")
        if not all(groups):
            faults.append("classes: a class without charsets can never occur")
    return faults
