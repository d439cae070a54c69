"""Password rules as data: generate a password, judge a candidate, count what is possible, narrow, describe, render."""

from rotation.policy.description import describe
from rotation.policy.model import AtLeast, Charset, Context, Name, PolicyFields, Problem, Source, Word, charsets
from rotation.policy.narrowing import intersect, narrow, obey
from rotation.policy.policy import PasswordPolicy
from rotation.policy.wishes import PasswordWishes

__all__ = [
    "AtLeast",
    "Charset",
    "Context",
    "Name",
    "PasswordPolicy",
    "PasswordWishes",
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
