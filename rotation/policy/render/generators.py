"""Policies of other generators: HCL for Vault and OpenBao, and the arguments of AWS's ``GetRandomPassword``.

Both know a length, an alphabet and a minimum for each class. A rule that such a generator does not know is replaced:
minimums are raised and characters are left out, until the policy refuses at most one in a million of the generator's
strings. The share is counted exactly, not estimated.

Example: 16 characters of lower case, upper case and digits, at least two of the three classes. A plain generator
breaks the rule once in about 550,000 strings, too often. With at least one character of each class it never does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property

from rotation.core.errors import PolicyError
from rotation.policy.description import rule_texts
from rotation.policy.model import DIGITS, LOWER, NO_CONTEXT, UPPER, AtLeast, Charset, Context, Word
from rotation.policy.narrowing import demand, narrow
from rotation.policy.policy import PasswordPolicy
from rotation.policy.render.result import Rendered, account_rules
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


SHORTEST, LONGEST = 4, 100
# Vault and OpenBao draw whole strings and give up after one second, a few hundred thousand draws.
LEAST_ACCEPTED = 1e-3


def to_hcl(policy: PasswordPolicy, context: Context = NO_CONTEXT) -> Rendered:
    """Return a Vault policy; at most one in a million of its strings is refused by ours.

    Name rules are lost unless ``context`` is the one account that the text is made for.

    Raises:
        PolicyError: HCL cannot express a rule, and no smaller alphabet helps.
    """
    known = for_account(policy, context)
    longest = min(known.length, LONGEST)
    portable = make_portable(narrow(known, length=longest))
    plain = portable.plain
    if longest < SHORTEST:
        raise PolicyError(f"{policy.name}: length: HCL policies have {SHORTEST} or more characters")
    if not portable.good_enough:
        unsaid = ", ".join(portable.offending()) or "these rules together"
        raise PolicyError(
            f"{policy.name}: HCL cannot say {unsaid}: one password in {1 / portable.refused:.0f} would be refused",
            hint="Let Lockstep generate the password instead of a Vault password policy.",
        )
    if plain.acceptance() < LEAST_ACCEPTED:
        raise PolicyError(f"{policy.name}: min_chars: Vault would time out; it draws whole strings until one fits")
    blocks = [f"length = {plain.length}\n"]
    blocks += [
        f'rule "charset" {{\n  charset = "{quote(charset.chars)}"\n  min-chars = {charset.min_chars}\n}}\n'
        for charset in plain.charsets
    ]
    return Rendered("\n".join(blocks), account_rules(known), refused=portable.refused)


def quote(chars: str) -> str:
    """Return characters for an HCL string; ``${`` and ``%{``, which would interpolate, never occur."""
    ordered = "".join(sorted(chars, key=lambda char: (char != "{", chars.index(char))))
    return ordered.replace("\\", "\\\\").replace('"', '\\"')


# The service's own classes (API reference, GetRandomPassword; read 2026-11).
TYPES = {
    "ExcludeLowercase": LOWER,
    "ExcludeUppercase": UPPER,
    "ExcludeNumbers": DIGITS,
    "ExcludePunctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}


def to_get_random_password(policy: PasswordPolicy, context: Context = NO_CONTEXT) -> Rendered:
    """Return the arguments that come nearest to the policy, and what they cannot express.

    ``refused`` is exact for a service that draws uniformly; AWS does not publish how it draws.
    """
    known = for_account(policy, context)
    portable = make_portable(known)
    alphabet = set(portable.plain.alphabet)
    left = {flag: "".join(char for char in chars if char in alphabet) for flag, chars in TYPES.items()}
    arguments: dict[str, object] = {
        "PasswordLength": policy.length,
        "IncludeSpace": " " in alphabet,
        "RequireEachIncludedType": True,
        "ExcludeCharacters": "".join(
            char for flag, chars in TYPES.items() for char in chars if left[flag] and char not in alphabet
        ),
        **{flag: not chars for flag, chars in left.items()},
    }
    lost = [f"{rule}: {text}" for rule, text in rule_texts(portable.policy) if rule in ("max_repeat", "words")]
    lost += [
        f"min_chars: {charset.min_chars} of {charset.name}" for charset in policy.charsets if charset.min_chars > 1
    ]
    lost.append("uniformity: the service does not say how it draws")
    made = tuple(Charset(flag, chars, 1) for flag, chars in left.items() if chars)
    space = (Charset("IncludeSpace", " "),) if " " in alphabet else ()
    service = replace(portable.plain, charsets=(*made, *space))
    named = tuple(AtLeast(rule.count, policy.groups(rule)) for rule in policy.classes)
    both = replace(portable.policy, classes=named, charsets=(*portable.policy.charsets, *service.charsets))
    share = (service.size() - both.size()) / service.size()
    return Rendered(json.dumps(arguments, indent=2), (*lost, *account_rules(known)), arguments, share)
