"""Password policies as data: exact, uniform, feasible, portable."""

from __future__ import annotations

from rotation.policy.model import AtLeast, Charset, Context, Name, Problem, Source, Word
from rotation.policy.narrowing import intersect
from rotation.policy.policy import PasswordPolicy

__all__ = [
    "AtLeast",
    "Charset",
    "Context",
    "Name",
    "PasswordPolicy",
    "Problem",
    "Source",
    "Word",
    "intersect",
]
