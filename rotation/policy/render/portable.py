"""Reduce a policy to what most generators know: a length, an alphabet and a minimum for each class.

A rule that such a generator does not know is replaced: minimums are raised and characters are left out, until the
policy refuses at most one in a million of the generator's strings. The share is counted exactly, not estimated.

Example: 16 characters of lower case, upper case and digits, at least two of the three classes. A plain generator
breaks the rule once in about 550,000 strings, too often. With at least one character of each class it never does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from rotation.policy.model import NO_CONTEXT, Context, Word
from rotation.policy.narrowing import demand, narrow
from rotation.policy.policy import PasswordPolicy
from rotation.policy.rules import resolve

MOST_REFUSED = 1_000_000
# Fields that a plain generator does not know.
UNKNOWN_FIELDS = ("classes", "first_not", "last_not", "max_repeat", "words")


@dataclass(frozen=True)
class Portable:
    """A policy with a reduced alphabet and raised minimums, beside the wider one that a plain generator follows."""

    policy: PasswordPolicy

    @cached_property
    def plain(self) -> PasswordPolicy:
        """The same alphabet, length and minimums without any other rule."""
        return replace(self.policy, classes=(), first_not="", last_not="", max_repeat=0, words=(), names=())

    @property
    def refused(self) -> float:
        """The share of the plain generator's strings that the policy refuses."""
        plain: int = self.plain.size()
        return (plain - self.policy.size()) / plain

    @property
    def good_enough(self) -> bool:
        """Whether at most one string in a million is refused."""
        return self._tolerable(self.policy)

    def offending(self) -> tuple[str, ...]:
        """Return the fields that by themselves refuse more than one string in a million."""
        alone = {field: replace(self.plain, **{field: getattr(self.policy, field)}) for field in UNKNOWN_FIELDS}
        return tuple(field for field, policy in alone.items() if not self._tolerable(policy))

    def _tolerable(self, policy: PasswordPolicy) -> bool:
        plain = self.plain.size()
        return (plain - policy.size()) * MOST_REFUSED <= plain


def make_portable(policy: PasswordPolicy) -> Portable:
    """Return the policy, reduced no more than needed, and its plain form.

    A rule that cannot be replaced, such as a run rule, stays: see ``good_enough`` and ``offending``.
    """
    attempt = Portable(policy)
    if {"first_not", "last_not"} & set(attempt.offending()):
        attempt = Portable(narrow(policy, exclude=policy.first_not + policy.last_not))
    if "classes" in attempt.offending():
        attempt = Portable(_with_every_class(attempt.policy))
    while "words" in attempt.offending():
        letter = _commonest_letter(attempt.policy)
        attempt = Portable(narrow(attempt.policy, exclude=letter + letter.upper()))
    # Rules that refuse few strings each can still refuse too many together.
    return attempt if attempt.good_enough else Portable(_with_every_class(attempt.policy))


def for_account(policy: PasswordPolicy, context: Context) -> PasswordPolicy:
    """Return the policy with the account's names, as far as they are known, as forbidden words."""
    words = [Word(name, rule.fragment) for rule in policy.names for name in rule.spellings(context.name(rule.key))]
    unknown = tuple(rule for rule in policy.names if not context.name(rule.key))
    return replace(policy, words=(*policy.words, *words), names=unknown)


def _with_every_class(policy: PasswordPolicy) -> PasswordPolicy:
    """Require every class, so that any k of them occur."""
    return demand(policy, [charset.name for charset in policy.charsets]) if policy.classes else policy


def _commonest_letter(policy: PasswordPolicy) -> str:
    """Return the letter that most of the shortest forbidden words contain; empty without words."""
    words = resolve(policy, NO_CONTEXT, policy.length).forbidden
    shortest = [word for word in words if len(word) == len(words[0])]
    return max(sorted(set("".join(shortest))), key=lambda letter: sum(letter in word for word in shortest), default="")
