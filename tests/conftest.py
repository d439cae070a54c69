"""The leak canary listens in every test; what costs most to set up runs first; the collector spares old objects."""

from __future__ import annotations

import gc
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from botocore.loaders import Loader

    from rotation_testkit.sandbox.sandbox import World

pytest_plugins = ["rotation_testkit.canary.plugin"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a Vault server go first: idle workers steal from the end, and each thief would start a server anew."""
    items.sort(key=lambda item: "vault" not in item.path.parts)


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: looking through them again and again cost a sixth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True)
class Ran:
    """The exit code and the output of one command."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output as a JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def botocore_files() -> Loader:
    """Return botocore's own data files; reading them is half of what a command costs."""
    from botocore.loaders import Loader

    return Loader()


@pytest.fixture
def lockstep(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, botocore_files: Loader
) -> Callable[..., Ran]:
    """Return a function that runs ``lockstep`` in this process, with arguments and bytes on standard input.

    Each command makes an AWS session of its own, as in a process of its own; only the data files are read once.
    """
    from rotation.cli.app import run

    monkeypatch.setattr("botocore.session.create_loader", lambda _search_path: botocore_files)

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run(arguments)
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a sandbox that this process's environment points to."""
    from rotation_testkit.sandbox.sandbox import ShiftedClock, world

    with world(clock=ShiftedClock(), retry_delays=()) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        yield started
