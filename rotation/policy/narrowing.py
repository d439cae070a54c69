"""Stricter policies: what an operator asks for, what two editions have in common, and what the target itself says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from rotation.core.errors import PolicyError
from rotation.core.values import TargetRules
from rotation.policy.model import (
    DIGITS,
    LOWER,
    UPPER,
    AtLeast,
    Charset,
    Name,
    PolicyFields,
    Source,
    check_characters,
)

Policy = TypeVar("Policy", bound=PolicyFields)

ALPHANUMERIC = UPPER + LOWER + DIGITS
# Characters that POSIX shells, cmd.exe and PowerShell all take literally without quotes, except at the start.
SHELL_SAFE_SPECIALS = "+-./:_"
# RFC 3986 section 2.3, unreserved: never percent-encoded in any part of a URL.
URL_SAFE_SPECIALS = "-._~"


def narrow(  # noqa: PLR0913 - one argument for each thing that an operator may ask for
    policy: Policy,
    exclude: str = "",
    *,
    shell_safe: bool = False,
    url_safe: bool = False,
    length: int | None = None,
    allow_weak: bool = False,
) -> Policy:
    """Return ``policy`` with fewer characters or another length.

    Args:
        policy: the vendor's policy.
        exclude: characters to leave out, taken literally.
        shell_safe: only characters that need no quotes in a shell, and a letter or digit first.
        url_safe: only characters that need no percent-encoding.
        length: of generated passwords, within the vendor's bounds.
        allow_weak: accept fewer than 50 bits.

    Raises:
        PolicyError: nothing is left, the length is out of bounds, or too few bits are left.
    """
    check_characters(f"{policy.name}: exclude", exclude)
    allowed = set(policy.alphabet) - set(exclude)
    first_not = policy.first_not
    if shell_safe:
        allowed &= set(ALPHANUMERIC + SHELL_SAFE_SPECIALS)
        first_not = _union(first_not, SHELL_SAFE_SPECIALS)
    if url_safe:
        allowed &= set(ALPHANUMERIC + URL_SAFE_SPECIALS)
    charsets, classes = _restricted(policy, allowed)
    return replace(
        policy,
        charsets=charsets,
        classes=classes,
        first_not=first_not,
        length=policy.length if length is None else length,
        allow_weak=policy.allow_weak or allow_weak,
    )


def demand(policy: Policy, names: Collection[str]) -> Policy:
    """Return ``policy`` with at least one character of each class that is named.

    Raises:
        PolicyError: there is no such class, or no string satisfies the policy any more.
    """
    unknown = sorted(set(names) - {charset.name for charset in policy.charsets})
    if unknown:
        left = ", ".join(charset.name for charset in policy.charsets)
        raise PolicyError(f"{policy.name}: classes: there is no {', '.join(unknown)}, only {left}")
    charsets = tuple(
        replace(charset, min_chars=max(int(charset.name in names), charset.min_chars)) for charset in policy.charsets
    )
    return policy if charsets == policy.charsets else replace(policy, charsets=charsets)


def intersect(one: Policy, other: Policy, *, name: str = "") -> Policy:
    """Return the policy whose passwords satisfy two editions of a vendor's rule, with the sources of both.

    It generates the longest passwords that both allow. Without a ``name`` it has both names, joined.

    Raises:
        PolicyError: the editions leave nothing in common.
    """
    label = name or f"{one.name} & {other.name}"
    shared = set(one.alphabet) & set(other.alphabet)
    charsets, classes = _restricted(one, shared)
    more_charsets, more_classes = _restricted(other, shared)
    charsets, more_classes = _joined(charsets, more_charsets, more_classes)
    shortest = max(one.min_length, other.min_length)
    longest = min(one.max_length, other.max_length)
    if shortest > longest:
        raise PolicyError(f"{label}: length: no length is within both editions' bounds")
    return replace(
        one,
        name=label,
        length=longest,
        min_length=shortest,
        max_length=longest,
        charsets=charsets,
        classes=tuple(dict.fromkeys(classes + more_classes)),
        first_not=_union(one.first_not, other.first_not),
        last_not=_union(one.last_not, other.last_not),
        max_repeat=min(filter(None, (one.max_repeat, other.max_repeat)), default=0),
        words=tuple(dict.fromkeys(one.words + other.words)),
        names=tuple(dict.fromkeys(one.names + other.names)),
        positions=max(one.positions, other.positions),
        new_chars=max(one.new_chars, other.new_chars),
        min_age_seconds=max(one.min_age_seconds, other.min_age_seconds),
        sources=tuple(dict.fromkeys(one.sources + other.sources)),
        allow_weak=one.allow_weak and other.allow_weak,
    )


def obey(policy: Policy, rules: TargetRules) -> Policy:
    """Return the passwords that satisfy a policy and what the target itself says, with the target as another source.

    It generates passwords of the policy's length, or of the nearest length that the target allows.

    Raises:
        PolicyError: nothing satisfies both, or too few bits are left; the message says where the rules come from.
    """
    shortest, longest = max(policy.min_length, rules.min_length), policy.max_length
    if rules.max_length:
        longest = min(longest, rules.max_length)
    if shortest > longest:
        raise PolicyError(
            f"{policy.name}: no length satisfies both the driver's {policy.min_length} to {policy.max_length} "
            f"characters and the target's {rules.min_length} to {rules.max_length or 'any'} ({rules.source})",
            hint="Change the rule at the target, or report it if the vendor's own rule is another one.",
        )
    stated = tuple(name for name, said in _FIELDS.items() if any(getattr(rules, each) for each in said))
    try:
        base = narrow(policy, rules.exclude) if rules.exclude else policy
        repeats = min(filter(None, (policy.max_repeat, rules.max_repeat)), default=0)
        more = (AtLeast(rules.classes),) if rules.classes else ()
        name = (Name(),) if rules.no_username else ()
        return replace(
            base,
            length=min(max(policy.length, shortest), longest),
            min_length=shortest,
            max_length=longest,
            classes=tuple(dict.fromkeys(base.classes + more)),
            max_repeat=repeats,
            names=tuple(dict.fromkeys(base.names + name)),
            min_age_seconds=max(policy.min_age_seconds, rules.min_age_seconds),
            sources=(*policy.sources, Source(rules.source, "as read from the target", stated)),
        )
    except PolicyError as error:
        raise error.changed(message=f"{error.message} (by the driver's rules and {rules.source})") from None


_FIELDS = {
    "length": ("min_length", "max_length"),
    "charsets": ("exclude",),
    "classes": ("classes",),
    "max_repeat": ("max_repeat",),
    "names": ("no_username",),
    "min_age_seconds": ("min_age_seconds",),
}
"""By field of a policy, what a target says about it."""


def _restricted(policy: PolicyFields, allowed: Collection[str]) -> tuple[tuple[Charset, ...], tuple[AtLeast, ...]]:
    """Return charsets and k-of-n rules over the allowed characters; a charset that becomes empty is left out."""
    charsets = []
    for charset in policy.charsets:
        chars = "".join(char for char in charset.chars if char in allowed)
        if chars:
            charsets.append(replace(charset, chars=chars))
        elif charset.min_chars:
            raise PolicyError(f"{policy.name}: min_chars({charset.name}): none of its characters is left")
    if not charsets:
        raise PolicyError(f"{policy.name}: charset: no character is left")
    left = {charset.name for charset in charsets}
    classes = []
    for rule in policy.classes:
        groups = (tuple(name for name in group if name in left) for group in policy.groups(rule))
        classes.append(AtLeast(rule.count, tuple(group for group in groups if group)))
    return tuple(charsets), tuple(classes)


def _joined(
    first: tuple[Charset, ...], second: tuple[Charset, ...], classes: tuple[AtLeast, ...]
) -> tuple[tuple[Charset, ...], tuple[AtLeast, ...]]:
    """Return the charsets of two editions and the second one's k-of-n rules.

    A charset that both have is kept once, with the higher minimum. One that shares only its name with a charset of the
    first edition is renamed: ``special`` becomes ``special'``.
    """
    by_name = {charset.name: charset for charset in first}
    names = {}
    for charset in second:
        name = charset.name
        while name in by_name and set(by_name[name].chars) != set(charset.chars):
            name += "'"
        names[charset.name] = name
        known = by_name.get(name, replace(charset, name=name))
        by_name[name] = replace(known, min_chars=max(known.min_chars, charset.min_chars))
    renamed = (
        AtLeast(rule.count, tuple(tuple(names[name] for name in group) for group in rule.of)) for rule in classes
    )
    return tuple(by_name.values()), tuple(renamed)


def _union(one: str, other: str) -> str:
    return "".join(sorted(set(one) | set(other)))
