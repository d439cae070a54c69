"""Running commands in this process, and seeing all that they wrote."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rotation.cli.app import run
from rotation.testing.world import ShiftedClock, World, world


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


@pytest.fixture
def lockstep(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lockstep:
    """Run ``lockstep`` with arguments, and bytes on standard input."""

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
