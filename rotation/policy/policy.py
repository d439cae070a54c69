"""``PasswordPolicy``: a vendor's password rule as a value that generates, judges and counts passwords."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2

from rotation.core.secret import Secret
from rotation.policy.counting.feasibility import LEAST_BITS, check_size, exact_size, lower_bound
from rotation.policy.counting.language import Language
from rotation.policy.counting.sampler import Sampler
from rotation.policy.model import NO_CONTEXT, Context, PolicyFields, Problem
from rotation.policy.rules import Rules, problems, resolve


@dataclass(frozen=True)
class PasswordPolicy(PolicyFields):
    """What a vendor accepts; the arguments are the fields of ``PolicyFields``.

    Raises:
        PolicyError: a field is malformed, the rules contradict each other, or they leave too little.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._checked_rules(NO_CONTEXT)

    def generate(self, context: Context = NO_CONTEXT) -> Secret:
        """Return a password, uniform over all strings of ``length`` characters that satisfy the policy.

        Raises:
            PolicyError: this account's name and history leave nothing, or fewer than 50 bits.
        """
        sampler = self._sampler if context is NO_CONTEXT else self._sampler_for(context)
        return Secret(sampler.draw())

    def problems(self, candidate: Secret, context: Context = NO_CONTEXT) -> tuple[Problem, ...]:
        """Return every rule that the candidate breaks; empty when the vendor should accept it."""
        return problems(self, candidate.reveal(), context)

    def size(self, context: Context = NO_CONTEXT) -> int:
        """Return how many strings ``generate`` chooses from, exactly."""
        if context is NO_CONTEXT:
            return self._language.size
        rules = resolve(self, context, self.length)
        return exact_size(rules, Language(rules))

    def entropy_bits(self) -> float:
        """Return the entropy of a generated password."""
        return log2(self.size())

    def acceptance(self) -> float:
        """Return the share of all strings over the alphabet that satisfy the policy."""
        total: int = len(self.alphabet) ** self.length
        return self.size() / total

    @cached_property
    def _language(self) -> Language:
        """The strings of ``length`` characters that satisfy the rules of every account, counted."""
        return Language(resolve(self, NO_CONTEXT, self.length))

    @cached_property
    def _sampler(self) -> Sampler:
        return self._sampler_for(NO_CONTEXT)

    def _sampler_for(self, context: Context) -> Sampler:
        rules, least = self._checked_rules(context)
        return Sampler(rules, least, lambda: self._language)

    def _checked_rules(self, context: Context) -> tuple[Rules, int]:
        """Return the rules and a lower bound of their strings; count exactly only where the bound may be too low."""
        rules = resolve(self, context, self.length)
        least = lower_bound(rules)
        if least < (1 if self.allow_weak else 1 << LEAST_BITS):
            check_size(self.name, rules, self.size(context), allow_weak=self.allow_weak)
        return rules, least
