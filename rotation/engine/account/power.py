"""Brings a machine into the power state that a reset needs, and afterwards into the wanted one.

Each function looks at the machine, asks for the state if needed, and waits as long as this run's time allows.
createSecret writes the state that it found into the candidate's version, so that any later run can restore it.
"""

from __future__ import annotations

from rotation.core.document import SecretDocument
from rotation.core.errors import InProgress
from rotation.core.values import Observation, Power
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.session import AccountSession

OWNERS_WISH_AFTER = 7 * 86_400
"""Seconds since an abandoned rotation began, after which a machine that is still off counts as stopped by its owner."""


def bring_to(session: AccountSession, bound: Guarded, wanted: Power, seen: Observation) -> Observation:
    """Switch if need be and wait until the machine is in the wanted state; return what was seen last.

    Raises:
        InProgress: this run's time does not suffice; the next one continues.
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
    """Return whether the machine is in its wanted state, or did not have to be switched for its reset."""
    wanted = bound.wanted_power(candidate.notes.power)
    return seen.reset_needs is None or wanted is None or seen.power in (wanted, None)


def give_back(bound: Guarded, candidate: SecretDocument) -> None:
    """Ask for the wanted state without waiting, after a failure that ends this attempt.

    Raises:
        DriverError: the vendor refused; the intent mark stays, and the next attempt asks again.
    """
    wanted = bound.wanted_power(candidate.notes.power)
    if wanted is not None and not is_given_back(bound, candidate, bound.observe()):
        bound.switch(wanted)


def _is_changing(seen: Observation) -> bool:
    return any(isinstance(obstacle, InProgress) for obstacle in seen.obstacles)
