"""The guard table: what each step does in each state of the token, 24 cells of data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rotation.core.values import Step
from rotation.state.stages import CURRENT, PENDING
from rotation.state.versions import SecretState


class Standing(StrEnum):
    """Where the token's version stands."""

    ABSENT = "absent"
    """The token is unknown."""
    EMPTY = "empty"
    """Pending, no value yet."""
    STAGED = "staged"
    """Pending with a value; nothing was sent."""
    ATTEMPTED = "attempted"
    """Pending with a value and an intent mark: a reset may have been sent."""
    CURRENT = "current"
    """Already current."""
    STALE = "stale"
    """Known, but neither pending nor current."""


class Cell(StrEnum):
    """What the guard table answers."""

    REFUSE = "refuse"
    NOT_YET = "not yet"
    RUN = "run"
    RECONCILE = "reconcile"
    VERIFY_CURRENT = "verify current"
    RUN_IF_VERIFIED = "run if verified, else verify first"
    DONE = "done"


_ROWS: dict[Standing, tuple[Cell, Cell, Cell, Cell]] = {
    # createSecret, setSecret, testSecret, finishSecret
    Standing.ABSENT: (Cell.REFUSE, Cell.REFUSE, Cell.REFUSE, Cell.REFUSE),
    Standing.EMPTY: (Cell.RUN, Cell.NOT_YET, Cell.VERIFY_CURRENT, Cell.NOT_YET),
    Standing.STAGED: (Cell.DONE, Cell.RUN, Cell.VERIFY_CURRENT, Cell.REFUSE),
    Standing.ATTEMPTED: (Cell.DONE, Cell.RECONCILE, Cell.RUN, Cell.RUN_IF_VERIFIED),
    Standing.CURRENT: (Cell.DONE, Cell.DONE, Cell.DONE, Cell.DONE),
    Standing.STALE: (Cell.REFUSE, Cell.REFUSE, Cell.REFUSE, Cell.REFUSE),
}


GUARD: Mapping[tuple[Standing, Step], Cell] = MappingProxyType(
    {(standing, step): cell for standing, row in _ROWS.items() for step, cell in zip(Step, row, strict=True)}
)


def standing(state: SecretState, token: str, *, has_value: bool) -> Standing:
    """Return the state of the token's version; ``has_value`` counts only where it is pending without an intent mark."""
    version = state.versions.get(token)
    if version is None:
        return Standing.ABSENT
    if CURRENT in version.stages:
        return Standing.CURRENT
    if PENDING not in version.stages:
        return Standing.STALE
    if version.intent is not None:
        return Standing.ATTEMPTED
    return Standing.STAGED if has_value else Standing.EMPTY
