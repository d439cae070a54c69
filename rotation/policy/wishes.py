"""What an operator asks of new passwords beyond the vendor's rules.

A deployment asks by its settings, and one secret by texts beside it: tags in Secrets Manager, custom metadata in KV.
Example: the deployment asks for 24 characters, and a secret has the tags ``lockstep:length`` with ``20`` and
``lockstep:shell-safe`` with ``true``. Its passwords have 20 characters, all of them safe in a shell, and at least one
character of each class that is left, since nobody named classes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log2
from typing import Any, TypeVar

from rotation.core.errors import PolicyError, SettingsError
from rotation.policy.counting.feasibility import LEAST_BITS, lower_bound
from rotation.policy.model import NO_CONTEXT, PolicyFields
from rotation.policy.narrowing import demand, narrow
from rotation.policy.rules import resolve

Policy = TypeVar("Policy", bound=PolicyFields)

NO_CLASS = "none"
"""Written in place of classes where none need occur beyond what the vendor demands."""
MOST_BITS = 0.5
"""What one character of each class may cost where nobody asked for it."""
_NO, _YES = frozenset({"false", "off", "no", "0"}), frozenset({"true", "on", "yes", "1"})
_CLASS = re.compile("[a-z][a-z0-9_-]{0,30}")
_KEY = re.compile("lockstep[:-](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordWishes:
    """What is asked of new passwords; ``None`` where nothing is said.

    Attributes:
        length: within the vendor's bounds.
        shell_safe: whether only characters are used that need no quotes in a shell.
        url_safe: whether only characters are used that need no percent-encoding.
        classes: names of the vendor's classes that must occur, such as ``digit``. Without it one character of each
            class is demanded, as long as that costs less than half a bit.
    """

    length: int | None = None
    exclude: str | None = None
    shell_safe: bool | None = None
    url_safe: bool | None = None
    classes: tuple[str, ...] | None = None

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> PasswordWishes:
        """Read the texts beside a secret. Keys such as ``lockstep:window``, which ask for something else, are skipped.

        Args:
            texts: by the whole key, ``lockstep:length`` or ``lockstep-length``.

        Raises:
            SettingsError: lists every fault, with the key and never with the text.
        """
        faults = [f"{key} {fault}" for key, text in texts.items() if (fault := fault_of(key, text))]
        if faults:
            raise SettingsError("wishes for passwords", tuple(faults))
        named = {name_of(key): text.strip() for key, text in texts.items()}
        values = {name: READERS[name](text) for name, text in named.items() if name in READERS}
        if by_code := values.pop("exclude_hex", None):
            values["exclude"] = values.get("exclude", "") + by_code
        return cls(**values)

    def over(self, other: PasswordWishes) -> PasswordWishes:
        """Return these wishes, and those of ``other`` where these say nothing."""
        return replace(other, **self.said())

    def said(self) -> dict[str, Any]:
        """Return what is asked for, by the names of the fields."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def text(self) -> str:
        """Return the wishes in words; empty if there are none."""
        words: Mapping[str, Callable[[Any], str]] = {
            "length": lambda length: f"{length} characters",
            "exclude": lambda chars: f"none of {chars}" if chars else "",
            "shell_safe": lambda safe: "safe in a shell" if safe else "",
            "url_safe": lambda safe: "safe in a URL" if safe else "",
            "classes": lambda names: f"one or more of {', '.join(names)}" if names else "no further classes",
        }
        return ", ".join(filter(None, (words[name](value) for name, value in self.said().items())))

    def applied(self, policy: Policy) -> Policy:
        """Return the vendor's policy, narrowed to what is asked for.

        Raises:
            PolicyError: the vendor's rules cannot meet the wishes, or too few passwords would be left.
        """
        try:
            return self._applied(policy)
        except PolicyError as error:
            text = self.text()
            if not text:
                raise
            raise error.changed(
                message=f"{error.message} (asked for: {text})",
                hint="Change the wish, in the secret's tags or custom metadata or in the deployment's settings that "
                "begin with `password_`. `lockstep policy CODE` shows what the vendor allows.",
            ) from None

    def _applied(self, policy: Policy) -> Policy:
        if self.length is not None or self.exclude or self.shell_safe or self.url_safe:
            policy = narrow(
                policy,
                self.exclude or "",
                shell_safe=bool(self.shell_safe),
                url_safe=bool(self.url_safe),
                length=self.length,
            )
        return _with_cheap_classes(policy) if self.classes is None else demand(policy, self.classes)


def name_of(key: str) -> str:
    """Return the name that a whole key has here: ``exclude_hex`` for ``lockstep:exclude-hex``; empty if it has none."""
    match = _KEY.fullmatch(key)
    return "" if match is None else match[1].replace("_", " ").replace("-", "_")


def fault_of(key: str, text: str) -> str:
    """Return what is wrong with a text beside a secret; empty if nothing is, or if it is no wish for passwords."""
    name = name_of(key)
    if name in READERS:
        try:
            READERS[name](text.strip())
        except ValueError as fault:
            return str(fault)
    if not name or name in READERS:
        return ""
    from difflib import get_close_matches  # not needed without such a key

    near = get_close_matches(name, READERS, n=1, cutoff=0.75)
    return f"is unknown; the nearest is {near[0].replace('_', '-')}" if near else ""


def flag(text: str) -> bool:
    """Return the value of ``true`` or ``false`` in its spellings."""
    if text.lower() not in _NO | _YES:
        raise ValueError("must be true or false")
    return text.lower() in _YES


def read_classes(text: str) -> tuple[str, ...]:
    """Return the names of classes in a text such as ``upper digit``, with blanks or commas."""
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not names or not all(map(_CLASS.fullmatch, names)) or (NO_CLASS in names and len(names) > 1):
        raise ValueError(f"must be names of classes such as lower, upper, digit, special, or {NO_CLASS}")
    return () if names == (NO_CLASS,) else names


def read_characters(text: str) -> str:
    """Return characters to leave out."""
    if not text.isascii() or not text.isprintable() or not text:
        raise ValueError("must be printable ASCII characters" if text else "is empty")
    return text


def _length(text: str) -> int:
    if re.fullmatch(r"[1-9][0-9]{0,2}", text) is None:
        raise ValueError("must be a number, 1 to 999")
    return int(text)


def _codes(text: str) -> str:
    """Read characters by their codes: AWS takes only letters, digits, blanks and ``_.:/=+-@`` in a tag."""
    codes = text.split()
    if not codes or not all(re.fullmatch("[2-7][0-9A-Fa-f]", code) and code.lower() != "7f" for code in codes):
        raise ValueError("must be codes of ASCII characters in hexadecimal, such as 22 27 5c")
    return bytes.fromhex("".join(codes)).decode("ascii")


READERS: Mapping[str, Callable[[str], Any]] = {
    "length": _length,
    "exclude": read_characters,
    "exclude_hex": _codes,
    "shell_safe": flag,
    "url_safe": flag,
    "classes": read_classes,
}
"""By the key without its prefix, what reads a text beside a secret; a ``ValueError`` says what is wrong with it."""


def _with_cheap_classes(policy: Policy) -> Policy:
    """Demand one character of every class, or of as many of the largest as cost less than ``MOST_BITS``.

    The cost is never more than what is computed: it is measured against all strings over the alphabet, and the strings
    that are left are counted by a lower bound.
    """
    names = [each.name for each in sorted(policy.charsets, key=lambda each: -len(each.chars))]
    rules = resolve(policy, NO_CONTEXT, policy.length)
    everything = len(rules.alphabet) ** rules.length
    while len(names) > 1:
        least = tuple((each.chars, max(each.min_chars, int(each.name in names))) for each in policy.charsets)
        left = lower_bound(rules._replace(minimums=least))
        if left >= 1 << LEAST_BITS and log2(everything) - log2(left) < MOST_BITS:
            return demand(policy, names)
        names.pop()
    return policy


NO_WISHES = PasswordWishes()
