"""The leak canary: it listens to everything that a run writes, and reports where a guarded secret appears.

As a pytest plug-in (``rotation_testkit.canary.plugin``) it listens in every test for each value that becomes a
``Secret`` (``canary.listener`` lists the places). The fixture ``canary`` looks for the values that the test names, and
also hears botocore at DEBUG and the local variables of every frame of an error that the test passes to it. A secret
that appears fails the test. No message of the canary holds a value.
"""

from __future__ import annotations

import contextlib
import logging
import traceback
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from rotation.core.process.library_logs import TALKATIVE
from rotation.core.secret import Secret
from rotation_testkit.canary.spellings import find
from rotation_testkit.doubles.vendor_api.call import Captured

LIBRARIES = tuple(sorted(TALKATIVE))
"""Libraries whose loggers every entry silences; the canary resets them, whatever an earlier test did."""


@dataclass(slots=True)
class Canary:
    """The texts that were seen, and the secrets that must not stand in them.

    Attributes:
        guarded: the secrets by a name that may be shown.
        seen: texts by place.
        drain: adds what was written since to ``seen``.
    """

    guarded: dict[str, Secret] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list, repr=False)
    drain: Callable[[], None] = field(default=lambda: None, repr=False)

    def guard(self, name: str, secret: Secret | None) -> None:
        """Look for a secret, also in what was seen before. ``None`` is ignored."""
        if secret:
            self.guarded[name] = secret

    def text(self, place: str, text: str) -> None:
        """Keep a text for the check at the end."""
        self.seen.append((place, text))

    def error(self, error: BaseException, *, given: Collection[object] = ()) -> None:
        """Look at an error, its causes and contexts, and every object of the product that its frames hold.

        Frames count from the first one of the product on: the caller's own frames may hold anything.

        Args:
            error: as it was caught.
            given: arguments that the caller had passed in; they are not looked at.
        """
        done: list[BaseException] = []
        queue: list[BaseException | None] = [error]
        while queue:
            one = queue.pop()
            if one is None or any(one is each for each in done):
                continue
            done.append(one)
            name = type(one).__name__
            self.text(f"text of {name}", f"{one}\n{one!r}\n{one.args!r}\n{vars(one)!r}")
            self.text(f"trace of {name}", "".join(traceback.format_exception(one, chain=False)))
            for frame in _frames(one):
                self._frame(frame, given)
            queue += [one.__cause__, one.__context__]
            queue += one.exceptions if isinstance(one, BaseExceptionGroup) else ()

    def _frame(self, frame: FrameType, given: Collection[object]) -> None:
        where = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
        for name, value in frame.f_locals.items():
            if any(value is each for each in given):
                continue
            self.text(f"local {name} of {where}", repr(value))
            for ours in _ours(value):
                self.text(f"{type(ours).__name__} under local {name} of {where}", repr(ours))

    def requests(self, captured: Iterable[Captured], demanded: Callable[[Captured], Collection[str]]) -> None:
        """Look at requests as they arrived.

        Args:
            captured: from a simulator.
            demanded: names the parts of a request where the vendor wants a secret: ``body``, or a header in lower case.
        """
        for one in captured:
            excused = demanded(one)
            self.text("URL", one.url)
            for name, value in one.headers:
                if name.lower() not in excused:
                    self.text(f"header {name}", value)
            if "body" not in excused:
                self.text("body", one.body.decode(errors="replace"))

    def leaks(self) -> list[str]:
        """Return which secret shows where, without the value."""
        self.drain()
        return find(self.guarded, self.seen)

    def verify(self) -> None:
        """Fail when a guarded secret was seen anywhere.

        Raises:
            AssertionError: names the secrets and the places.
        """
        found = self.leaks()
        if found:
            _fail(found)


def _fail(found: list[str]) -> NoReturn:
    raise AssertionError(f"secrets leaked: {'; '.join(found)}")


def _frames(error: BaseException) -> Iterator[FrameType]:
    inside = False
    for frame, _ in traceback.walk_tb(error.__traceback__):
        inside = inside or _is_product(str(frame.f_globals.get("__name__")))
        if inside:
            yield frame


def _is_product(module: str) -> bool:
    return module.partition(".")[0] in {"rotation", "vault_plugin"}


def _ours(start: object) -> Iterator[object]:
    """Yield every object of the product within reach of attributes, containers, closures and methods."""
    queue, done = [start], {}
    while queue:
        value = queue.pop()
        if id(value) in done:
            continue
        done[id(value)] = value  # kept, so that no id is used twice
        if _is_product(type(value).__module__):
            yield value
            queue += _attributes(value)
        elif isinstance(value, Mapping):
            queue += value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            queue += value
        else:
            queue += [cell.cell_contents for cell in getattr(value, "__closure__", None) or () if _is_filled(cell)]
            queue += [value.__self__] if hasattr(value, "__self__") and hasattr(value, "__func__") else []


def _attributes(value: object) -> list[object]:
    names = {name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())}
    # A private slot's name is mangled.
    names |= {
        f"_{kind.__name__.lstrip('_')}{name}" for kind in type(value).__mro__ for name in names if name[:2] == "__"
    }
    return [getattr(value, name) for name in names if hasattr(value, name)] + [*getattr(value, "__dict__", {}).values()]


def _is_filled(cell: object) -> bool:
    return hasattr(cell, "cell_contents")


class CanaryHandler(logging.Handler):
    """Keeps each record in every form in which it could be written."""

    def __init__(self, canary: Canary) -> None:
        super().__init__(logging.NOTSET)
        self._canary = canary

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        place = f"log of {record.name} ({record.levelname})"
        self._canary.text(place, f"{record.getMessage()}\n{vars(record)!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self._canary.text(place, "".join(traceback.format_exception(record.exc_info[1])))
        for handler in logging.getLogger(record.name).handlers:
            if handler is not self and handler.formatter is not None:
                self._canary.text(place, handler.formatter.format(record))


@contextlib.contextmanager
def listening(canary: Canary) -> Iterator[None]:
    """Hear every log record that passes its logger, with the root at DEBUG, and every warning.

    The libraries' loggers have no level of their own, so that the root's DEBUG applies, as when an operator sets it.
    """
    handler, root = CanaryHandler(canary), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", *LIBRARIES)}
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        for warning in warned:
            canary.text("warning", str(warning.message))
