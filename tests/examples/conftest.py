"""The examples of consumers as modules, and events as Lockstep makes them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rotation.core.event import Event, EventKind
from rotation.core.values import Evidence

FOLDER = Path(__file__).parents[2] / "examples/consumers"


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Yield a function that imports an example by its name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    own = {path.stem for path in FOLDER.glob("*.py")}
    yield importlib.import_module
    for name in own & sys.modules.keys():
        del sys.modules[name]


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Return a function that makes an event."""

    def make(secret: str, *, at: datetime, kind: EventKind = EventKind.COMMITTED) -> dict[str, Any]:
        made = Event(kind=kind, secret=secret, at=at.timestamp(), token="t" * 32, evidence=Evidence.LOGIN)
        return made.describe()

    return make
