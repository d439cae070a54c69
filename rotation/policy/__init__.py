"""Password policies as data: exact, uniform, feasible, portable."""

from __future__ import annotations

from rotation.drivers.vendors.policies import VENDOR_POLICIES
from rotation.policy.model import AtLeast, Charset, Context, Name, Problem, Source, Word
from rotation.policy.narrow import intersect
from rotation.policy.policy import PasswordPolicy

__all__ = [
    "VENDOR_POLICIES",
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
