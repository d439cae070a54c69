"""Running commands in this process, and seeing all that they wrote."""

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
from rotation_testkit.sandbox.sandbox import ShiftedClock, World, world


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output as a JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]


Lockstep = Callable[..., Ran]


@pytest.fixture(scope="session")
def botocore_files() -> Loader:
    """What botocore reads of its own data files, which is half of what a command costs."""
    return Loader()


@pytest.fixture
def lockstep(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, botocore_files: Loader) -> Lockstep:
    """Run ``lockstep`` with arguments, and bytes on standard input.

    Each command makes an AWS session of its own, as its process would; only the data files are read once for all.
    """
    monkeypatch.setattr("botocore.session.create_loader", lambda _search_path: botocore_files)

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run(arguments)
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An embedded world that this process's environment points to."""
    with world(clock=ShiftedClock(), retry_delays=()) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        yield started
