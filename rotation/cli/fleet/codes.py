"""The exit code of a command over many secrets."""

from __future__ import annotations

from collections.abc import Iterable

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, WAITS, worst
from rotation.stores.aws.fleet.turn import Ended

_CODES = {
    Ended.DRIFTED: NEEDS_HUMAN,
    Ended.NEEDS_HUMAN: NEEDS_HUMAN,
    Ended.FAILED: FAILED,
    Ended.WAITS: WAITS,
    Ended.NOT_CHECKABLE: WAITS,
}


def code_of(ended: Iterable[Ended]) -> int:
    """Return the exit code of many turns: that of the one that asks for most."""
    return worst(_CODES.get(each, DONE) for each in ended)
