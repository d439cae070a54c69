"""Brings a machine into the power state that a reset needs, and back into the one in which it is to be.

Level-triggered: each function looks, asks for the wanted state if need be, and waits as long as this run's time allows.
What was found stands in the candidate's version since createSecret, so that a later run can go on from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rotation.core.document import SecretDocument
from rotation.core.errors import InProgress, RotationError
from rotation.core.values import Observation, Power
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.session import AccountSession

OWNERS_WISH_AFTER = 7 * 86_400
"""Seconds after a rotation began that was given up: a machine that is still off then, its owner wants off."""


def wish(bound: Guarded, candidate: SecretDocument) -> Power | None:
    """Return the state in which the machine is to be after the rotation; ``None`` where nobody cares."""
    return bound.wanted_power(candidate.notes.power)


def bring_to(session: AccountSession, bound: Guarded, wanted: Power, seen: Observation) -> Observation:
    """Switch if need be and wait until the machine is in the wanted state.

    Returns:
        What was seen last.

    Raises:
        InProgress: this run's time does not suffice; the next one goes on.
        DriverError: the vendor refused.
    """
    if seen.power is not wanted and not _is_changing(seen):
        bound.switch(wanted)
        seen = bound.observe()
    while seen.power is not wanted:
        pause = bound.spec.poll_seconds
        if session.time_left() < pause + bound.spec.call_seconds + RESERVE_SECONDS:
            raise InProgress(f"the machine is not {wanted} yet")
        session.clock.sleep(pause)
        seen = bound.observe()
    return seen


def is_given_back(bound: Guarded, candidate: SecretDocument, seen: Observation) -> bool:
    """Tell whether a machine that had to be switched for its reset is as it is to be after the rotation."""
    wanted = wish(bound, candidate)
    return seen.reset_needs is None or wanted is None or seen.power in (wanted, None)


def give_back(bound: Guarded, candidate: SecretDocument) -> None:
    """Ask for the wished state without waiting, after a failure that ends this attempt.

    Raises:
        DriverError: the vendor refused; the intent mark stays, and the next attempt comes by here again.
    """
    wanted = wish(bound, candidate)
    if wanted is not None and not is_given_back(bound, candidate, bound.observe()):
        bound.switch(wanted)


@contextmanager
def machine_given_back(bound: Guarded, candidate: SecretDocument) -> Iterator[None]:
    """Give the machine back, as ``give_back`` does, when the block ends this attempt by an error.

    A machine that is changing its state is left to the next attempt.
    """
    try:
        yield
    except RotationError as error:
        if not isinstance(error, InProgress):
            give_back(bound, candidate)
        raise


def _is_changing(seen: Observation) -> bool:
    return any(isinstance(obstacle, InProgress) for obstacle in seen.obstacles)
