"""pytest fixtures that run ``lockstep`` in the test's own process, for the ``conftest.py`` of a command's tests.

``from rotation_testkit.processes.command_line import botocore_files, embedded, lockstep`` makes them available there.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.loaders import Loader

from rotation.cli.app import run
from rotation_testkit.sandbox.sandbox import Sandbox, open_sandbox


@dataclass(frozen=True)
class Ran:
    """One command that has ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output as a JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def botocore_files() -> Loader:
    """The loader of botocore's data files, whose reading is half of what a command costs."""
    return Loader()


@pytest.fixture
def lockstep(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, botocore_files: Loader
) -> Callable[..., Ran]:
    """Run ``lockstep`` with arguments, and bytes on standard input.

    Each command makes an AWS session of its own, as its process would; only the data files are shared.
    """
    monkeypatch.setattr("botocore.session.create_loader", lambda _search_path: botocore_files)

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run(arguments)
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that this process's environment points to."""
    with open_sandbox(retry_delays=()) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        yield started
