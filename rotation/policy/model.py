"""The parts of a policy and what a candidate is judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
LONGEST_NAME = 256


def check_characters(rule: str, chars: str) -> None:
    """Refuse characters that no vendor takes.

    Raises:
        PolicyError: one of them is no printable ASCII.
    """
    if not (chars.isascii() and chars.isprintable()):
        raise PolicyError(f"{rule}: only printable ASCII characters can be allowed or forbidden")


def _at_least(rule: str, value: int, least: int) -> None:
    if value < least:
        raise PolicyError(f"{rule}: must be {least} or more, not {value}")


@dataclass(frozen=True)
class Charset:
    """One character class, in Vault's words.

    Args:
        name: how other rules and messages call it, for instance ``digit``.
        chars: its characters, printable ASCII, each once.
        min_chars: how many of them a password has at least.
    """

    name: str
    chars: str
    min_chars: int = 0

    def __post_init__(self) -> None:
        rule = f"charset({self.name})"
        check_characters(rule, self.chars)
        _at_least(f"min_chars({self.name})", self.min_chars, 0)
        if not self.chars:
            raise PolicyError(f"{rule}: has no characters")
        if len(set(self.chars)) != len(self.chars):
            raise PolicyError(f"{rule}: lists a character twice")


@dataclass(frozen=True)
class AtLeast:
    """At least ``count`` of several classes occur.

    Args:
        count: how many classes.
        of: the classes, each a tuple of charset names that count as one; left out, every charset is a class.
    """

    count: int
    of: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        _at_least("classes", self.count, 1)


@dataclass(frozen=True)
class Word:
    """A word that must not occur, in whatever case.

    Args:
        text: the word.
        fragment: when not 0, every piece of it with this many characters or more is forbidden too.
    """

    text: str
    fragment: int = 0

    def __post_init__(self) -> None:
        _at_least(f"word({self.text})", self.fragment, 0)
        if not self.text:
            raise PolicyError("word: an empty word occurs everywhere")


@dataclass(frozen=True)
class Name:
    """The account's own name must not occur, in whatever case.

    Args:
        key: the account's key that holds the name; an account without it, or with an empty one, passes.
        backwards: the reversed name is forbidden too.
        fragment: as in ``Word``.
    """

    key: str = "username"
    backwards: bool = True
    fragment: int = 0

    def __post_init__(self) -> None:
        _at_least(f"name({self.key})", self.fragment, 0)


@dataclass(frozen=True)
class Source:
    """Where rules come from.

    Args:
        cite: the document.
        date: of the document, or of reading it, ``YYYY`` to ``YYYY-MM-DD``.
        rules: the names of the policy's fields that rest on it.
        note: what is doubtful about it.
    """

    cite: str
    date: str
    rules: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Context:
    """What a candidate is judged against.

    Args:
        username: the account's name.
        previous: the password that it replaces.
        history: older passwords that must not come again.
        names: other account keys whose values a policy may forbid, by key.
    """

    username: str = ""
    previous: Secret | None = None
    history: tuple[Secret, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, value in {"username": self.username, **self.names}.items():
            if len(value) > LONGEST_NAME:
                raise PolicyError(f"name({key}): has {len(value)} characters; at most {LONGEST_NAME} make sense")

    def name(self, key: str) -> str:
        """Return the value of an account key, empty when the account has none."""
        return self.names.get(key, self.username if key == "username" else "")

    def used(self) -> frozenset[str]:
        """Return every password that must not come again."""
        old = self.history if self.previous is None else (self.previous, *self.history)
        return frozenset(secret.reveal() for secret in old)


@dataclass(frozen=True)
class Problem:
    """One broken rule.

    Args:
        code: the rule, stable: ``too_short``, ``too_long``, ``character``, ``min_chars``, ``classes``, ``first_not``,
            ``last_not``, ``max_repeat``, ``word``, ``name``, ``distance`` or ``history``.
        message: the rule in words. It never quotes the candidate.
    """

    code: str
    message: str


LOWER_CASE = Charset("lower", LOWER)


UPPER_CASE = Charset("upper", UPPER)


DIGIT = Charset("digit", DIGITS)


def charsets(specials: str) -> tuple[Charset, ...]:
    """Return lower case, upper case, digits, and the special characters that a vendor takes."""
    return (LOWER_CASE, UPPER_CASE, DIGIT, Charset("special", specials))
