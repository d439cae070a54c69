"""Process death at any effect. A ``Fuse`` counts the effects of all that it wraps and blows before or after the n-th.

In memory it raises ``Crash`` and refuses every later effect, as a dead process does nothing more. With ``exits=True``
it really ends the process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from rotation.core.errors import OutcomeUnknown, RotationError, StoreUnavailable, VendorUnavailable

T = TypeVar("T")


class Crash(BaseException):
    """The process died here. It is no ``Exception``, so that no handler catches it."""


class Edge(StrEnum):
    """On which side of an effect the fuse blows."""

    BEFORE = "before"
    AFTER = "after"


class _Named(Protocol):
    @property
    def verb(self) -> str: ...


@dataclass(slots=True)
class Fuse:
    """Counts effects and blows once.

    Attributes:
        at: number of the effect, from 1; 0 never blows.
        edge: before or after it.
        only: count only effects of this name.
        exits: end the process for real, with code 137 as a kill does.
        error: called with the effect's name instead of dying; what it returns is raised, with ``None`` the effect
            just goes on, so that it can also run something else in the middle. Later effects pass.
        effects: names of the effects seen.
        blown: whether it blew.
    """

    at: int = 0
    edge: Edge = Edge.BEFORE
    only: str | None = None
    exits: bool = False
    error: Callable[[str], Exception | None] | None = None
    effects: list[str] = field(default_factory=list)
    blown: bool = False

    def wrap(self, thing: T, methods: Collection[str]) -> T:
        """Return a stand-in for ``thing`` whose ``methods`` count as effects; all else passes through."""
        return _Wrapped(self, thing, frozenset(methods))  # type: ignore[return-value]  # stands in for it

    def call(self, effect: _Named, call: Callable[[], T]) -> T:
        """Make one counted call; with this, a fuse is a ``Passage``."""
        answer: T = self.pass_through(effect.verb, call)
        return answer

    def pass_through(self, name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the call returns
        """Make one counted call."""
        if self.blown and self.error is None:
            raise Crash(name)
        self.effects.append(name)
        seen = len(self.effects) if self.only is None else self.effects.count(self.only)
        mine = self.at == seen and self.only in (None, name)
        if mine and self.edge is Edge.BEFORE:
            self._blow(name)
        answer = call()
        if mine:
            self._blow(name)
        return answer

    def _blow(self, name: str) -> None:
        self.blown = True
        if self.error is not None:
            failure = self.error(name)
            if failure is not None:
                raise failure
            return
        if self.exits:
            os._exit(137)
        raise Crash(name)


class _Wrapped:
    def __init__(self, fuse: Fuse, thing: object, methods: frozenset[str]) -> None:
        self._fuse, self._thing, self._methods = fuse, thing, methods

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the thing has
        value = getattr(self._thing, name)
        if name not in self._methods:
            return value
        return lambda *args, **kwargs: self._fuse.pass_through(name, lambda: value(*args, **kwargs))


def lost_answer(name: str) -> RotationError:
    """Return what an adapter raises when the answer to this effect does not arrive."""
    if name == "set_password":
        return OutcomeUnknown("lost")
    return VendorUnavailable("lost") if name in ("observe", "verify", "poll") else StoreUnavailable("lost")
