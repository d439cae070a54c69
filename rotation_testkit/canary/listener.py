"""The canary in every test: a ``Secret`` that is made while a test runs must appear nowhere until the test has ended.

It hears records of every logger with the root at DEBUG, warnings, standard output and error (also of processes whose
output the test reads), the text, arguments and causes of errors, URLs, access and call logs of the doubles, arguments
of processes, and files that were written. A value is looked for raw, URL-encoded, JSON-escaped, in hex, and in Base64
(once).

It does not hear botocore's records at DEBUG, which hold every request and which the handler silences, nor the local
variables of an error's frames; the fixture ``canary`` hears both.

It does not look for values that may stand in a text by chance (shorter than 8 characters; of fewer than three kinds of
character, or two from 20 characters on), for values made while modules were imported, nor for more than 400 values of
one test, of the fixtures of its module, or of the session.

A test that shows a secret on purpose states where and why: ``@pytest.mark.shows_secrets("PLACE", reason="...")``.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.canary.audit import FileAudit, arguments_of_children
from rotation_testkit.canary.canary import LIBRARIES, Canary, CanaryHandler
from rotation_testkit.canary.spellings import find
from rotation_testkit.doubles.secretsmanager.calls import Call
from rotation_testkit.doubles.vendor_api.call import Access
from rotation_testkit.processes.isolated_function import Invocation

MARKER = "shows_secrets(place, ..., reason): this test shows a secret on purpose; a place is named by its beginning"
_KINDS = tuple(re.compile(kind) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
_MOST = 400
"""The most values to remember of one test, of its module's fixtures, of the session: more come from one generator."""


def is_telling(value: str) -> bool:
    """Return whether a value looks random, so that it cannot stand in a text by chance."""
    if any("\ud800" <= char <= "\udfff" for char in value):
        return False  # cannot be written anywhere
    kinds = sum(1 for kind in _KINDS if kind.search(value))
    return (len(value) >= 8 and kinds >= 3) or (len(value) >= 20 and kinds >= 2)  # noqa: PLR2004 - explained above


class CanaryListener:
    """The plug-in: it starts to listen when a test starts, and checks what it heard when the test has ended."""

    def __init__(self) -> None:
        self._canary = Canary()
        self._handler = CanaryHandler(self._canary)
        self._files = FileAudit()
        self._stack = ExitStack()
        self._on = False
        # Where each value was made: in the test, in a fixture of its module or class, in one of the package or session.
        self._values: dict[str, dict[str, str]] = {"function": {}, "module": {}, "session": {}}
        self._scope = "function"
        self._module: Path | None = None

    @classmethod
    def install(cls, config: pytest.Config) -> None:
        """Register with pytest, and stay installed until pytest ends."""
        config.addinivalue_line("markers", MARKER)
        one = cls()
        one._hook_in()
        config.pluginmanager.register(one, "lockstep-canary")
        config.add_cleanup(one._stack.close)

    def _hook_in(self) -> None:
        text = self._canary.text
        sys.addaudithook(self._files.hear)
        self._stack.enter_context(patch.object(Secret, "__init__", self._remembering(Secret.__init__)))
        self._also(RotationError, "__init__", lambda _, error, *__, **___: self._raised(error))
        self._also(HttpRequest, "__init__", lambda _, request, *__, **___: text("URL", request.url))
        for kind in (Access, Call):
            self._also(kind, "__init__", lambda _, line, *__, **___: text("log of a double", repr(line)))
        self._also(Invocation, "__init__", lambda _, one, **__: text("function's output", f"{one.logs}{one.report!r}"))
        self._also(pytest.CaptureFixture, "readouterr", lambda read, *_: text("captured output", _joined(read)))
        self._also(subprocess.Popen, "communicate", lambda read, *_, **__: text("process's output", _joined(read)))
        self._also(pytest.ExceptionInfo, "fill_unfilled", lambda _, __, caught: self._raised(caught[1]))

    def _also(self, owner: type, name: str, hear: Callable[..., None]) -> None:
        """Call ``hear`` with a method's result and arguments after each call."""
        original = getattr(owner, name)

        @wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any method's
            result = original(*args, **kwargs)
            if self._on:
                hear(result, *args, **kwargs)
            return result

        self._stack.enter_context(patch.object(owner, name, method))

    def _remembering(self, original: Callable[[Secret, str], None]) -> Callable[[Secret, str], None]:
        """Return a constructor of ``Secret`` that records each value and its caller."""

        @wraps(original)
        def made(secret: Secret, value: str) -> None:
            original(secret, value)
            if self._on and len(known := self._values[self._scope]) < _MOST and value not in known:
                caller = sys._getframe(1)  # noqa: SLF001 - the documented way to a caller
                known[value] = f"secret made at {caller.f_globals.get('__name__')}:{caller.f_lineno}"

        return made

    def _raised(self, error: BaseException) -> None:
        """Look at an error that was made or caught, and at its causes and contexts."""
        queue, done = [error], set[int]()
        while queue:
            one = queue.pop()
            if id(one) not in done:
                done.add(id(one))
                self._canary.text(f"error {type(one).__name__}", f"{one}\n{one.args!r}\n{vars(one)!r}")
                queue += [each for each in (one.__cause__, one.__context__) if each is not None]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Listen around everything that belongs to a test."""
        root = logging.getLogger()
        level = root.level
        if self._module != item.path:
            self._module = item.path
            self._values["module"].clear()
        self._values["function"].clear()
        self._canary.seen.clear()
        self._files.start(item)
        self._on = True
        root.addHandler(self._handler)
        _set_level(root, logging.DEBUG)
        for name in LIBRARIES:
            _set_level(logging.getLogger(name), logging.INFO if name == "botocore" else logging.NOTSET)
        try:
            return (yield)
        finally:
            self._on = self._files.listening = False
            root.removeHandler(self._handler)
            _set_level(root, level)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Hear warnings despite pytest, which records them and restores its own function after the test."""
        tell = warnings.showwarning

        def show(message: Warning | str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the function's own
            self._canary.text("warning", str(message))
            tell(message, *args, **kwargs)

        warnings.showwarning = show

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Record the values of a fixture for many tests in all of those tests."""
        before, scope = self._scope, fixturedef.scope
        self._scope = {"function": "function", "package": "session", "session": "session"}.get(scope, "module")
        try:
            return (yield)
        finally:
            self._scope = before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Check what was heard when the test's last phase is over."""
        report = yield
        if call.excinfo is not None:
            self._raised(call.excinfo.value)
        if call.when == "teardown":
            self._on = False
            self._gather(report)
            found = self._leaks(item)
            if found:
                report.outcome = "failed"
                report.longrepr = f"secrets leaked: {'; '.join(found)}"
        return report

    def _gather(self, report: pytest.TestReport) -> None:
        """Look at captured output, processes and files."""
        for name, written in report.sections:
            if not name.startswith("Captured log"):
                self._canary.text(f"{name.split()[1]} of the test", written)
        self._canary.text("arguments of processes", "\n".join([*self._files.started, *arguments_of_children()]))
        for name, content in self._files.contents():
            self._canary.text(f"file {name}", content)

    def _leaks(self, item: pytest.Item) -> list[str]:
        """Return what appeared where, except in the places that the test excuses."""
        excused = tuple(str(place) for mark in item.iter_markers("shows_secrets") for place in _places(mark))
        seen = [(place, text) for place, text in self._canary.seen if not (excused and place.startswith(excused))]
        made = [(_password(value), where) for each in self._values.values() for value, where in each.items()]
        telling = [(value, where) for value, where in made if is_telling(value)]
        return find({f"{where} ({number})": Secret(value) for number, (value, where) in enumerate(telling)}, seen)


def _places(mark: pytest.Mark) -> tuple[object, ...]:
    if not mark.args or not mark.kwargs.get("reason"):
        raise pytest.UsageError("shows_secrets names places, and a reason")
    return mark.args


def _set_level(logger: logging.Logger, level: int) -> None:
    if logger.level != level:  # setting a level empties the cache of every logger
        logger.setLevel(level)


def _joined(outputs: Iterable[str | bytes | None]) -> str:
    return "\n".join(each.decode(errors="replace") if isinstance(each, bytes) else each or "" for each in outputs)


def _password(value: str) -> str:
    """Return the password of an account document, whose other fields may be shown, or else the value."""
    if not value.startswith("{"):
        return value
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return value
    password = fields.get("password") if isinstance(fields, dict) else None
    return password if isinstance(password, str) else ""
