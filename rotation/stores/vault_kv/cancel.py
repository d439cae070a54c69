"""Cancels a rotation on an operator's order: removes the candidate's pending stage, and keeps what is still needed."""

from __future__ import annotations

from dataclasses import dataclass

from rotation.core.errors import InProgress, StageError
from rotation.state import cleanup
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.stages import PENDING
from rotation.stores.vault_kv.snapshot import Seen


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A rotation that was given up.

    Attributes:
        token: the rotation's.
        sent: epoch seconds of the latest reset that may have been sent with its candidate; ``None`` when none was.
    """

    token: str
    sent: float | None


def cancel(seen: Seen, now: float) -> Cancelled:
    """Give up the rotation in progress, in memory. The lease is in the same journal, so no run can take it meanwhile.

    A candidate that was sent keeps its value and every mark: it may be live, so it is tried like a previous value. One
    that was never sent goes, and leaves its wrong logins to the current version.

    Raises:
        StageError: none is in progress.
        InProgress: a run holds the lease.
    """
    token = seen.unfinished
    if token is None:
        raise StageError(
            "no rotation of this secret is in progress",
            hint="There is nothing to cancel; `lockstep vault doctor PATH` shows how the secret is.",
        )
    held = seen.journal.lease
    if held is not None and held.until + CLOCK_MARGIN >= now:
        raise InProgress(
            "a run holds this secret's lease",
            not_before=held.until + CLOCK_MARGIN,
            hint="Stop that run or let it end, and cancel then. The lease of a run that died is over at `not_before`.",
        )
    state = seen.describe()
    sent = state.version(token).intent
    if sent is None:
        cleanup.release(seen, state, token)
        seen.forget()
    else:
        seen.detach(PENDING, token)
    return Cancelled(token, sent)
