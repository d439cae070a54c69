"""Password rules as data: generate a password, judge a candidate, count what is possible, narrow, describe, render."""

from rotation.policy.description import describe
from rotation.policy.model import AtLeast, Charset, Context, Name, PolicyFields, Problem, Source, Word, charsets
from rotation.policy.narrowing import intersect, narrow, obey
from rotation.policy.policy import PasswordPolicy

__all__ = [
    "AtLeast",
    "Charset",
    "Context",
    "Name",
    "PasswordPolicy",
    "PolicyFields",
    "Problem",
    "Source",
    "Word",
    "charsets",
    "describe",
    "intersect",
    "narrow",
    "obey",
]
