"""Finds out what is wrong with a secret, and puts it right.

``examine`` looks and asks, ``repair`` carries its plan out, ``heal`` does both until there is nothing left to do. All
of it goes through the engine's ports, so that it serves every store and every driver. ``examine`` changes nothing but
what it writes down about wrong logins, durably, on the budget that rotations share.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.doctor.advice import ANSWERS
from rotation.doctor.case import Case, Exhibit, Found, Value
from rotation.doctor.decide import decide
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.examine import look
from rotation.doctor.repair import Outcome, carry_out
from rotation.engine.session import Session

__all__ = [
    "ANSWERS",
    "Action",
    "Case",
    "Condition",
    "Diagnosis",
    "Exhibit",
    "Found",
    "Outcome",
    "Value",
    "Verb",
    "examine",
    "heal",
    "repair",
]

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
