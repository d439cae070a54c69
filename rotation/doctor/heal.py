"""Examine a secret, repair what is wrong, and repeat until nothing more can be done."""

from __future__ import annotations

from dataclasses import replace

from rotation.doctor.decide import decide
from rotation.doctor.diagnosis import Diagnosis
from rotation.doctor.examination import look
from rotation.doctor.repairs import Outcome, carry_out
from rotation.engine.session import Session

_ROUNDS = 3


def examine(session: Session) -> Diagnosis:
    """Find out which stored password is live and what is to be done.

    Args:
        session: as for a step; its token is not used.

    Raises:
        StoreError: the secret cannot be read.
    """
    return decide(look(session))


def repair(session: Session, diagnosis: Diagnosis) -> Outcome:
    """Carry out what a diagnosis plans; nothing where it plans nothing."""
    return carry_out(session, diagnosis)


def heal(session: Session, diagnosis: Diagnosis | None = None) -> Outcome:
    """Examine and repair until the secret is healthy, must wait, or needs a human.

    Args:
        session: as for ``examine``.
        diagnosis: where to begin, if there is one already.

    Raises:
        StoreError: the secret cannot be read.
    """
    outcome = repair(session, diagnosis or examine(session))
    for _ in range(_ROUNDS - 1):
        if outcome.error is not None or not outcome.done:
            return outcome
        after = repair(session, examine(session))
        outcome = replace(after, done=outcome.done + after.done)
        if not after.done:
            return outcome
    return outcome
