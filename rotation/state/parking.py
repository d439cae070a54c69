"""Every reason for which Lockstep stops on purpose, as data: what it means, and what makes Lockstep continue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn

from rotation.core.errors import InProgress, Parked, RotationError, StoreFull, TooSoon


class Reason(StrEnum):
    """Why an attempt is parked; the word is in the label, the log line and ``--json``."""

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
        by_itself: whether a later attempt continues without a human; otherwise something must be found out or changed.
        from_settings: whether each attempt works it out from the deployment; a label of it decides nothing.
        spares_logins: whether it only keeps wrong logins few, so that an operator may continue and spend one.
    """

    hint: str
    account_wide: bool = False
    by_itself: bool = True
    from_settings: bool = False
    spares_logins: bool = False


PARKING: Mapping[Reason, Parking] = MappingProxyType(
    {
        Reason.WRONG_LOGIN_BUDGET: Parking(
            hint="Earlier wrong logins have used up the budget. No login is tried before `not_before`. The first "
            "attempt after that time continues. If you have found and repaired the cause, `--spend-a-try` (of rotate, "
            "verify and doctor) continues at once. It risks one of the wrong logins that the budget leaves to people.",
            account_wide=True,
            spares_logins=True,
        ),
        Reason.ACCOUNT_LOCKED: Parking(
            hint="The account is locked after wrong logins. Other programs may have made them. Nothing is tried before "
            "`not_before`. The first attempt after that time continues. If this repeats, find the program that uses an "
            "old password.",
            account_wide=True,
        ),
        Reason.TOO_SOON: Parking(
            hint="The password is younger than the vendor's minimum age, or a request of a cancelled rotation may "
            "still arrive at the vendor. The first attempt after `not_before` continues."
        ),
        Reason.OUTSIDE_WINDOW: Parking(
            hint="No reset begins outside the maintenance window (LOCKSTEP_WINDOW). The next attempt inside the window "
            "continues.",
            from_settings=True,
        ),
        Reason.BACK_OFF: Parking(
            hint="The vendor refused or postponed earlier resets, and accepted none. The first attempt after "
            "`not_before` continues. `lockstep rotate --dry-run` names the obstacle."
        ),
        Reason.EXTERNAL_CHANGE: Parking(
            hint="None of the stored passwords opens the account. Run `lockstep doctor` first: it tries older "
            "versions, too. Then put the live password into the secret as a new version, or reset the account at the "
            "vendor to the candidate's value. A host looks the same if it locked the account after wrong logins by "
            "others: run `faillock` on the host. After the repair, `lockstep rotate --spend-a-try` continues without "
            "waiting for `not_before`.",
            by_itself=False,
            spares_logins=True,
        ),
        Reason.RESET_FAILS: Parking(
            hint="The vendor accepts the reset, but the new password does not open the account. Look at the target in "
            "the vendor's console: the vendor may not carry out the reset, or its task may fail or never end. Then "
            "look at the host: it may refuse every such login (sshd: PermitRootLogin), or wrong logins by others may "
            "have locked the account (`faillock`). After the repair run `lockstep doctor --repair`.",
            by_itself=False,
        ),
        Reason.CANDIDATE_REFUSED: Parking(
            hint="The vendor refuses the candidate, and an earlier reset with it may have been applied. "
            "`lockstep doctor` finds out which password is live, and `--repair` ends the rotation.",
            by_itself=False,
        ),
        Reason.VENDOR_BUSY: Parking(
            hint="The vendor has been at work on the target for more than an hour, or a machine does not reach the "
            "requested power state. Look at the target in the vendor's console. End the operation that hangs, unlock "
            "the account, or open a ticket with the vendor. The first attempt after `not_before` continues by itself.",
            by_itself=False,
        ),
    }
)


def known(reason: str) -> Parking | None:
    """Return what a reason means; ``None`` for one of another release's label."""
    return PARKING[Reason(reason)] if reason in tuple(Reason) else None


def needs_human(reason: str) -> bool:
    """Return whether another attempt alone changes nothing. A reason of another release is one to look at."""
    parking = known(reason)
    return parking is None or not parking.by_itself


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
    """Nobody: a later run continues."""
    FAILED = "failed"
    """Somebody may run it again: the reason may pass."""
    NEEDS_HUMAN = "needs_human"
    """A human: another run alone changes nothing."""


def who_acts(error: RotationError) -> Next:
    """Return who has to act after an error: one that does not pass by itself needs a human."""
    if isinstance(error, Parked):
        return Next.NEEDS_HUMAN if needs_human(error.reason) else Next.WAITS
    passes = error.retryable or isinstance(error, StoreFull)  # labels run out, too; of a refused key, only a pause ends
    if isinstance(error, TooSoon | InProgress) or (passes and error.not_before is not None):
        return Next.WAITS
    return Next.FAILED if error.retryable else Next.NEEDS_HUMAN
