"""How the value of a setting is written: the same form reads a variable's text, reads TOML, and describes itself.

A parser takes one text and raises ``ValueError`` with one sentence per fault, which says what is accepted and never
quotes the text: ``seconds.parse("x")`` raises "must be 0 to 999", which is reported after the name of the setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rotation.core import settings
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, LoginTarget
from rotation.drivers import registry
from rotation.policy import wishes
from rotation.state.binding import BindingMode

_LOGIN_URL = re.compile(
    r"([a-z][a-z0-9_]{1,30})://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
    r"(?:/([A-Za-z0-9_.-]{1,63}))?/?"
)
_SEGMENT = "[A-Za-z0-9_.-]{1,64}"
_PATH = settings.matches(rf"{_SEGMENT}(?:/{_SEGMENT})*", "must be a path of letters, digits and -_.")

Faults = tuple[str, ...]


class Shape(StrEnum):
    """The type of a value in TOML and JSON Schema. A variable holds the text of each; of a list, with commas."""

    TEXT = "string"
    LIST = "array"
    NUMBER = "integer"
    SWITCH = "boolean"


_TYPES: Mapping[Shape, tuple[type, str]] = {
    Shape.TEXT: (str, "must be a text in quotes"),
    Shape.LIST: (list, "must be a list of texts"),
    Shape.NUMBER: (int, "must be a whole number"),
    Shape.SWITCH: (bool, "must be true or false"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of values.

    Attributes:
        shape: the type in TOML.
        parse: returns the value of a text; of a list, the value of one item.
        schema: JSON Schema's keywords for the value; of a list, for one item.
    """

    shape: Shape
    parse: Callable[[str], Any]
    schema: Mapping[str, object] = field(default_factory=dict)

    def read_text(self, text: str) -> tuple[Any, Faults]:
        """Return the value of a variable's text, and its faults; without faults the value is whole."""
        if self.shape is Shape.LIST:
            return self._items([part for each in text.split(",") if (part := each.strip())])
        return self._one(text)

    def read_toml(self, value: object) -> tuple[Any, Faults]:
        """Return the value of what a file holds, and its faults."""
        kind, rule = _TYPES[self.shape]
        if type(value) is not kind:
            return None, (rule,)
        if not isinstance(value, list):
            return self._one(str(value))
        if not all(isinstance(each, str) and each.strip() for each in value):
            return None, (rule,)
        return self._items([each.strip() for each in value])

    def json_schema(self) -> dict[str, object]:
        """Return the JSON Schema of a value in TOML."""
        if self.shape is Shape.LIST:
            return {"type": "array", "items": {"type": "string", **self.schema}}
        return {"type": self.shape.value, **self.schema}

    def _one(self, text: str) -> tuple[Any, Faults]:
        try:
            return self.parse(text), ()
        except ValueError as fault:
            return None, tuple(map(str, fault.args))

    def _items(self, texts: list[str]) -> tuple[Any, Faults]:
        read = [self._one(text) for text in texts]
        faults = sorted({fault for _, found in read for fault in found})
        return tuple(value for value, found in read if not found), tuple(faults)


def text(check: settings.Check = lambda _: None) -> Form:
    """Return the form of a text that passes a check; it is kept as it is."""
    return Form(shape=Shape.TEXT, parse=_checked(check), schema={"minLength": 1})


def pattern(expression: str, rule: str) -> Form:
    """Return the form of a text that matches as a whole; ``rule`` says the same in words."""
    check = settings.matches(expression, rule)
    return Form(shape=Shape.TEXT, parse=_checked(check), schema={"pattern": f"^(?:{expression})$"})


def several(item: Form) -> Form:
    """Return the form of a list of texts of one form."""
    return Form(shape=Shape.LIST, parse=item.parse, schema=item.schema)


def choice(**values: Any) -> Form:  # noqa: ANN401 - what the words stand for
    """Return the form of one of some words, each of which stands for a value."""

    def parse(word: str) -> Any:  # noqa: ANN401 - as above
        if word not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return values[word]

    return Form(shape=Shape.TEXT, parse=parse, schema={"enum": list(values)})


def whole(low: int, high: int) -> Form:
    """Return the form of a whole number."""

    def parse(digits: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ValueError(f"must be {low} to {high}")
        return int(digits)

    return Form(shape=Shape.NUMBER, parse=parse, schema={"minimum": low, "maximum": high})


def parsed(parse: Callable[[str], Any], **schema: object) -> Form:
    """Return the form of a text that a parser turns into a value."""
    return Form(shape=Shape.TEXT, parse=parse, schema=schema)


def _checked(check: settings.Check) -> Callable[[str], str]:
    def parse(value: str) -> str:
        problem = check(value)
        if problem:
            raise ValueError(problem)
        return value

    return parse


def _window(value: str) -> Windows:
    return ANYTIME if value.strip().lower() == "any" else Windows.parse(value)


def _switch(value: str) -> bool:
    words = {"0": False, "false": False, "1": True, "true": True}
    if value.lower() not in words:
        raise ValueError("must be 1 or 0")
    return words[value.lower()]


def _login(value: str) -> LoginTarget:
    """Parse a place to log in; without a port it has port 0, for the kind's own."""
    match = _LOGIN_URL.fullmatch(value)
    if match is None:
        raise ValueError("must be KIND://host[:port][/database], such as ssh://host or mysql://host:3306")
    return LoginTarget(match[1], match[2].strip("[]"), int(match[3] or 0), "", None, match[4])


ANY_TEXT = text()
SECRET = parsed(Secret)
CODE = pattern(registry.CODE.pattern, "must list driver codes (lower-case letters, digits and _)")
HOST = pattern(
    r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?",
    "must list hosts of the form host[:port], without scheme, path or wildcard",
)
PLAIN_HOST = pattern(
    r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}", "must list names or addresses of hosts, without ports"
)
LOGIN_PORT = pattern(
    r"(?:ssh|winrm):(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])",
    "must list ports of the form ssh:2222 or winrm:15986",
)
BINDING = choice(**{mode.value: mode for mode in BindingMode})
BASE_URL = text(settings.base_url)
WEB_URL = text(settings.web_url)
SECRET_NAME = pattern(r"[^\s{}\"]{1,2048}", "must be the name, ARN or path of a secret, and never its value")
EVIDENCE = parsed(Evidence.parse, enum=[each.name for each in Evidence])
LOCKOUT = parsed(Lockout.parse, pattern="^[1-9][0-9]{0,2}/[1-9][0-9]{0,6}$")
LOGIN = parsed(_login, pattern=f"^(?:{_LOGIN_URL.pattern})$")
WINDOW = parsed(_window, minLength=1)
SWITCH = Form(shape=Shape.SWITCH, parse=_switch)
EXCLUDE = parsed(wishes.read_characters, pattern="^[ -~]+$")
CLASSES = parsed(wishes.read_classes, minLength=1)
PATH = text(lambda value: _PATH(value) or settings.path_problem(value))
