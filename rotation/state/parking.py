"""Every reason for which Lockstep stops on purpose, as data: what the reason means, and what makes Lockstep go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn

from rotation.core.errors import InProgress, Parked, RotationError, StoreFull, TooSoon


class Reason(StrEnum):
    """Why an attempt is parked; the word stands in the label, the log line and ``--json``."""

    WRONG_LOGIN_BUDGET = "wrong_login_budget"
    ACCOUNT_LOCKED = "account_locked"
    TOO_SOON = "too_soon"
    OUTSIDE_WINDOW = "outside_window"
    BACK_OFF = "back_off"
    EXTERNAL_CHANGE = "external_change"
    RESET_FAILS = "reset_fails"
    CANDIDATE_REFUSED = "candidate_refused"
    VENDOR_BUSY = "vendor_busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """One reason.

    Attributes:
        hint: the next step for a human.
        account_wide: whether it holds for every version of the secret, since it is about the account.
        by_itself: whether a later attempt goes on without a human; otherwise something must be found out or changed.
        from_settings: whether each attempt works it out from the deployment; a label of it decides nothing.
        spares_logins: whether it only keeps wrong logins few, so that an operator may go on and spend one.
    """

    hint: str
    account_wide: bool = False
    by_itself: bool = True
    from_settings: bool = False
    spares_logins: bool = False


PARKING: Mapping[Reason, Parking] = MappingProxyType(
    {
        Reason.WRONG_LOGIN_BUDGET: Parking(
            hint="Earlier wrong logins have used up the budget. No login is tried before `not_before`; the first "
            "attempt after it goes on. If you know what was wrong and have repaired it, `--spend-a-try` (rotate, "
            "verify, doctor) goes on at once: it risks one of the wrong logins that are left to people.",
            account_wide=True,
            spares_logins=True,
        ),
        Reason.ACCOUNT_LOCKED: Parking(
            hint="The account is locked after wrong logins, perhaps of others. Nothing is tried before `not_before`; "
            "the first attempt after it goes on. If this repeats, something else uses an old password: find it.",
            account_wide=True,
        ),
        Reason.TOO_SOON: Parking(
            hint="The password is younger than the vendor's minimum age, or a request of a cancelled rotation may "
            "still arrive. Any attempt after `not_before` goes on."
        ),
        Reason.OUTSIDE_WINDOW: Parking(
            hint="No reset begins outside the maintenance window (LOCKSTEP_WINDOW); the next attempt inside goes on.",
            from_settings=True,
        ),
        Reason.BACK_OFF: Parking(
            hint="The vendor refused or put off earlier resets, and took none. The first attempt after `not_before` "
            "goes on. `lockstep rotate --dry-run` names what is in the way."
        ),
        Reason.EXTERNAL_CHANGE: Parking(
            hint="None of the stored passwords opens the account. Run `lockstep doctor` first: it tries older "
            "versions, too. Then put the live password into the secret as a new version, or reset the account at the "
            "vendor to the candidate's value. A host that locked the account after others' wrong logins looks the "
            "same: see `faillock` on the host. After the repair, `lockstep rotate --spend-a-try` goes on before "
            "`not_before`.",
            by_itself=False,
            spares_logins=True,
        ),
        Reason.RESET_FAILS: Parking(
            hint="The vendor accepts the reset, and the new password does not open the account. Look at the target in "
            "the vendor's console: the reset is not carried out, or its task fails or never ends. Then look at the "
            "host: it may refuse every such login (sshd: PermitRootLogin), or others' wrong logins have locked the "
            "account (`faillock`). After the repair run `lockstep doctor --repair`.",
            by_itself=False,
        ),
        Reason.CANDIDATE_REFUSED: Parking(
            hint="The vendor refuses the candidate, and an earlier reset with it may have been applied. "
            "`lockstep doctor` finds out which password is live, and `--repair` ends the rotation.",
            by_itself=False,
        ),
        Reason.VENDOR_BUSY: Parking(
            hint="For more than an hour the vendor has been at work on the target, or a machine does not reach the "
            "power state that it was asked for. Look at the target in the vendor's console: end the operation that "
            "hangs or the lock on the account, or open a ticket with the vendor. The first attempt after `not_before` "
            "goes on by itself.",
            by_itself=False,
        ),
    }
)


def known(reason: str) -> Parking | None:
    """Return what a reason means; ``None`` for one of another release's label."""
    return PARKING[Reason(reason)] if reason in tuple(Reason) else None


def spares_logins(reason: str) -> bool:
    """Return whether an operator may spend a wrong login instead of waiting."""
    parking = known(reason)
    return parking is not None and parking.spares_logins


def raise_parked(reason: str, until: float) -> NoReturn:
    """Raise the error of a parked attempt. A reason that is not known is shown as it stands."""
    parking = known(reason)
    hint = "" if parking is None else parking.hint
    raise Parked(f"parked: {reason.replace('_', ' ')}", reason=reason, not_before=until, hint=hint) from None


class Next(StrEnum):
    """Who has to act after an error."""

    WAITS = "waits"
    """Nobody: a later run goes on."""
    FAILED = "failed"
    """Somebody may run it again: the reason may pass."""
    NEEDS_HUMAN = "needs_human"
    """A human: another run alone changes nothing."""


def who_acts(error: RotationError) -> Next:
    """Return who has to act after an error: one that does not pass by itself needs a human."""
    if isinstance(error, Parked):
        reason = known(error.reason)
        return Next.WAITS if reason is not None and reason.by_itself else Next.NEEDS_HUMAN
    passes = error.retryable or isinstance(error, StoreFull)  # labels run out, too; of a refused key, only a pause ends
    if isinstance(error, TooSoon | InProgress) or (passes and error.not_before is not None):
        return Next.WAITS
    return Next.FAILED if error.retryable else Next.NEEDS_HUMAN
