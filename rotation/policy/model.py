"""The parts of a password policy, its fields, and what a candidate is judged against. Each part checks itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
LONGEST = 128
LONGEST_NAME = 256


def check_characters(rule: str, chars: str) -> None:
    """Raise ``PolicyError`` for a character that is no printable ASCII: no vendor takes it."""
    if not (chars.isascii() and chars.isprintable()):
        raise PolicyError(f"{rule}: only printable ASCII characters can be allowed or forbidden")


def _at_least(rule: str, value: int, least: int) -> None:
    if value < least:
        raise PolicyError(f"{rule}: must be {least} or more, not {value}")


@dataclass(frozen=True)
class Charset:
    """One character class, in Vault's words: printable ASCII characters, each once."""

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


def charsets(specials: str) -> tuple[Charset, ...]:
    """Return the four usual charsets: lower case, upper case, digits, and the given special characters."""
    return (Charset("lower", LOWER), Charset("upper", UPPER), Charset("digit", DIGITS), Charset("special", specials))


@dataclass(frozen=True)
class AtLeast:
    """A k-of-n rule: at least ``count`` of several classes occur.

    Each class in ``of`` is a tuple of charset names that count as one; when ``of`` is empty, every charset is a class.
    """

    count: int
    of: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        _at_least("classes", self.count, 1)


@dataclass(frozen=True)
class Word:
    """A word that must not occur, in upper or lower case, nor any piece of it with ``fragment`` characters or more.

    With a ``fragment`` of 0 only the whole word is forbidden.
    """

    text: str
    fragment: int = 0

    def __post_init__(self) -> None:
        _at_least(f"word({self.text})", self.fragment, 0)
        if not self.text:
            raise PolicyError("word: an empty word occurs everywhere")


@dataclass(frozen=True)
class Name:
    """A key of the account whose value must not occur, in upper or lower case.

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

    def spellings(self, name: str) -> tuple[str, ...]:
        """Return what must not occur for an account of this name; empty for an empty name."""
        return ((name, name[::-1]) if self.backwards else (name,)) if name else ()


@dataclass(frozen=True)
class Source:
    """The document that rules come from.

    Args:
        date: of the document, or of reading it, ``YYYY`` to ``YYYY-MM-DD``.
        rules: the names of the policy's fields that rest on it.
        note: what is doubtful about it.
    """

    cite: str
    date: str
    rules: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class PolicyFields:
    """The rules of one policy as data, in Vault's words where Vault has them.

    Args:
        length: of generated passwords, in characters.
        charsets: the character classes; together they are the alphabet.
        min_length, max_length: the vendor's bounds; ``length`` when 0.
        classes: k-of-n rules.
        first_not, last_not: characters that no password starts or ends with.
        max_repeat: longest run of one character; 0 is no rule.
        names: account keys whose values are forbidden.
        positions: how many positions differ from the previous password.
        new_chars: how many distinct characters the previous password lacks.
        min_age_seconds: how long the vendor refuses another change; the engine waits.
        allow_weak: accept a policy that leaves fewer than 50 bits.

    Raises:
        PolicyError: a field is malformed; the error names every such field.
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
        faults = [*self._length_faults(), *self._charset_faults(), *self._class_faults()]
        counts = ("max_repeat", "positions", "new_chars", "min_age_seconds")
        faults += [f"{count}: must not be negative" for count in counts if getattr(self, count) < 0]
        if faults:
            raise PolicyError(f"{self.name}: {'; '.join(faults)}")
        check_characters(f"{self.name}: first_not", self.first_not)
        check_characters(f"{self.name}: last_not", self.last_not)

    @property
    def alphabet(self) -> str:
        """Every character that may occur, sorted."""
        return "".join(sorted(set("".join(charset.chars for charset in self.charsets))))

    def groups(self, rule: AtLeast) -> tuple[tuple[str, ...], ...]:
        """Return the classes that a k-of-n rule counts, as charset names."""
        return rule.of or tuple((charset.name,) for charset in self.charsets)

    def _length_faults(self) -> list[str]:
        if not 1 <= self.min_length <= self.max_length <= LONGEST:
            return [f"length: bounds {self.min_length} to {self.max_length} are not within 1 to {LONGEST}"]
        if not self.min_length <= self.length <= self.max_length:
            return [f"length: {self.length} is not within {self.min_length} to {self.max_length}"]
        return []

    def _charset_faults(self) -> list[str]:
        names = [charset.name for charset in self.charsets]
        if not names:
            return ["charset: the alphabet is empty"]
        return ["charset: two have the same name"] if len(set(names)) != len(names) else []

    def _class_faults(self) -> list[str]:
        faults = []
        names = {charset.name for charset in self.charsets}
        for rule in self.classes:
            groups = self.groups(rule)
            if rule.count > len(groups):
                faults.append(f"classes: {rule.count} of only {len(groups)} are asked for")
            unknown = {name for group in groups for name in group} - names
            if unknown:
                faults.append(f"classes: no charset is called {', '.join(sorted(unknown))}")
            if not all(groups):
                faults.append("classes: a class without charsets can never occur")
        return faults


@dataclass(frozen=True)
class Context:
    """What a candidate is judged against: the account's names and its earlier passwords.

    Args:
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


NO_CONTEXT = Context()


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
