"""``PasswordPolicy``: a vendor's password rule as a value that can generate, judge, count and explain itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2

from rotation.core.secret import Secret
from rotation.policy import checker
from rotation.policy.counting.bounds import floor
from rotation.policy.counting.feasibility import LEAST_BITS, check_size, exact_size
from rotation.policy.counting.language import Language
from rotation.policy.counting.sampler import Sampler
from rotation.policy.model import AtLeast, Charset, Context, Name, Problem, Source, Word
from rotation.policy.rules import Rules, resolve
from rotation.policy.validation import check_fields

NO_CONTEXT = Context()


@dataclass(frozen=True)
class PasswordPolicy:
    """What a vendor accepts, in Vault's words where Vault has them.

    Args:
        length: of generated passwords, in characters.
        charsets: the character classes; together they are the alphabet.
        name: how messages call the policy.
        min_length: the vendor's shortest; ``length`` when 0.
        max_length: the vendor's longest; ``length`` when 0.
        classes: k-of-n rules.
        first_not: characters that no password starts with.
        last_not: characters that no password ends with.
        max_repeat: longest run of one character; 0 is no rule.
        words: forbidden words, in any case.
        names: account keys whose values are forbidden.
        positions: how many positions differ from the previous password.
        new_chars: how many distinct characters the previous password lacks.
        min_age_seconds: how long the vendor refuses another change; the engine waits.
        sources: where the rules come from.
        allow_weak: accept a policy that leaves fewer than 50 bits.

    Raises:
        PolicyError: a field is malformed, the rules contradict each other, or they leave too little.
    """

    length: int
    charsets: tuple[Charset, ...]
    name: str = "policy"
    min_length: int = 0
    max_length: int = 0
    classes: tuple[AtLeast, ...] = ()
    first_not: str = ""
    last_not: str = ""
    max_repeat: int = 0
    words: tuple[Word, ...] = ()
    names: tuple[Name, ...] = ()
    positions: int = 0
    new_chars: int = 0
    min_age_seconds: int = 0
    sources: tuple[Source, ...] = ()
    allow_weak: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "min_length", self.min_length or self.length)
        object.__setattr__(self, "max_length", self.max_length or self.length)
        check_fields(self)
        rules = self._rules(NO_CONTEXT)
        if self._too_few(floor(rules)):
            check_size(self.name, rules, self._language.size, allow_weak=self.allow_weak)

    @property
    def alphabet(self) -> str:
        """Every character that may occur, sorted."""
        return "".join(sorted(set("".join(charset.chars for charset in self.charsets))))

    def groups(self, rule: AtLeast) -> tuple[tuple[str, ...], ...]:
        """Return the classes that a k-of-n rule counts, as charset names."""
        return rule.of or tuple((charset.name,) for charset in self.charsets)

    def generate(self, context: Context = NO_CONTEXT) -> Secret:
        """Return a password, uniform over all strings of ``length`` characters that satisfy the policy.

        Raises:
            PolicyError: this account's name and history leave nothing, or fewer than 50 bits.
        """
        sampler = self._sampler if context is NO_CONTEXT else self._sampler_for(context)
        return Secret(sampler.draw())

    def problems(self, candidate: Secret, context: Context = NO_CONTEXT) -> tuple[Problem, ...]:
        """Return every rule that the candidate breaks; nothing when the vendor should accept it."""
        return checker.problems(self, candidate.reveal(), context)

    def size(self, context: Context = NO_CONTEXT) -> int:
        """Return how many strings ``generate`` chooses from, exactly."""
        if context is NO_CONTEXT:
            return self._language.size
        rules = self._rules(context)
        return exact_size(rules, Language(rules))

    def entropy_bits(self, context: Context = NO_CONTEXT) -> float:
        """Return the entropy of a generated password; minus infinity when there is none."""
        size = self.size(context)
        return log2(size) if size > 0 else float("-inf")

    def acceptance(self, context: Context = NO_CONTEXT) -> float:
        """Return the share of all strings over the alphabet that satisfy the policy."""
        total: int = len(self.alphabet) ** self.length
        return self.size(context) / total

    def narrowed(
        self,
        exclude: str = "",
        *,
        shell_safe: bool = False,
        url_safe: bool = False,
        length: int | None = None,
        allow_weak: bool = False,
    ) -> PasswordPolicy:
        """Return a stricter policy for an operator's consumer; see ``narrowing.narrow``."""
        from rotation.policy.narrowing import narrow

        return narrow(self, exclude, shell_safe=shell_safe, url_safe=url_safe, length=length, allow_weak=allow_weak)

    def describe(self) -> dict[str, object]:
        """Return the policy, its numbers and its sources as JSON-able values."""
        from rotation.policy.description import describe

        return describe(self)

    @cached_property
    def _language(self) -> Language:
        """The counted strings of ``length`` that hold for every account."""
        return Language(self._rules(NO_CONTEXT))

    @cached_property
    def _sampler(self) -> Sampler:
        rules = self._rules(NO_CONTEXT)
        return Sampler(rules, floor(rules), lambda: self._language)

    def _sampler_for(self, context: Context) -> Sampler:
        rules = self._rules(context)
        least = floor(rules)
        if self._too_few(least):
            check_size(self.name, rules, exact_size(rules, Language(rules)), allow_weak=self.allow_weak)
        return Sampler(rules, least, lambda: self._language)

    def _rules(self, context: Context) -> Rules:
        return resolve(self, context, self.length)

    def _too_few(self, least: int) -> bool:
        """Say whether a lower bound does not settle that there is enough."""
        return least < (1 if self.allow_weak else 1 << LEAST_BITS)
