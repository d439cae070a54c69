"""The end of every schedule: the faults stop, the service goes on, and finally a human follows the reason's hint.

Bounded retries must end in current = live, or in a parked state with a reason; a human who follows that reason's hint
must get to current = live (I8).
"""

from __future__ import annotations

from rotation.core.errors import Parked, RotationError
from rotation.core.values import Power
from rotation_testkit.fault_lab.random_fleets.play.fleet import Fleet
from rotation_testkit.fault_lab.random_fleets.play.member import DONE, NOTHING, Member
from rotation_testkit.fault_lab.random_fleets.play.outside_actions import cancel, put_live

SPACING = 600.0
MOST_ATTEMPTS = 14
_FOR_A_HUMAN = ("external_change", "candidate_refused", "reset_fails", "vendor_busy")
_PATIENCE = 2
"""How often a human is asked for before one comes."""


def settle(fleet: Fleet) -> None:
    """Run every member's service until it has healed.

    Raises:
        Violation: one does not.
    """
    for member in fleet.members:
        member.vendor_down_until = member.store_down_until = 0.0
        member.secret.rotation_enabled = True
        for vendor in member.vendors:
            vendor.task_fails = False
        member.tell("the faults stop")
    for member in fleet.members:
        _heal(member)


def _heal(member: Member) -> None:
    if member.token is not None and _persist(member) != DONE:
        _help(member)
    if _persist(member) != DONE:
        _help(member)
        if _persist(member) != DONE:
            member.monitor.fail("I8", f"nothing heals it, not even a human: {_reason(member.failure)}")
    _judge(member)


def _persist(member: Member) -> str:
    """Retry until the rotation ends well or a human is asked for."""
    outcome, calls = NOTHING, 0
    for _ in range(MOST_ATTEMPTS):
        before = member.token
        outcome = member.attempt()
        calls += _reason(member.failure) in _FOR_A_HUMAN
        if outcome in {DONE, NOTHING} or calls == _PATIENCE:
            return outcome
        if before is not None and member.token != before:
            return outcome
        failure = member.failure
        wake = 0.0 if failure is None or failure.not_before is None else failure.not_before - member.clock.now()
        member.clock.sleep(max(SPACING, wake))
        member.look_around()
    return outcome


def _reason(failure: RotationError | None) -> str:
    if isinstance(failure, Parked):
        return failure.reason
    return "none" if failure is None else failure.code


def _help(member: Member) -> None:
    """Act as the human: check that one was needed, then follow the hint."""
    reason = _reason(member.failure)
    if not member.touched:
        member.monitor.fail("I8", f"bounded retries did not heal what no outsider did: {reason}")
    if not member.in_step:
        put_live(member)
    else:
        cancel(member, {"strip": True})
    if member.left_off:
        for vendor in member.vendors:
            vendor.switch_on()
    for monitor in member.monitors:
        monitor.after_outsider()


def _judge(member: Member) -> None:
    if not member.in_step:
        member.monitor.fail("I8", "the rotation ended well, but current is not live")
    for vendor in member.vendors:
        if vendor.power is Power.STOPPED and not member.left_off:
            member.monitor.fail("I8", "the machine was left stopped")
        if vendor.locked:
            member.monitor.fail("I8", "the account is locked")
