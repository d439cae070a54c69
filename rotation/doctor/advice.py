"""Advice for what only a human can do, and for each wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rotation.doctor.clock_skew import Ahead
from rotation.state.parking import Reason

ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        Reason.WRONG_LOGIN_BUDGET: "No login is tried before the time shown. Then run this again, or let the rotation "
        "continue by itself.",
        Reason.ACCOUNT_LOCKED: "No login is tried before the time shown. If the account is locked again and again, "
        "something else uses an old password: find it before the next rotation.",
        Reason.TOO_SOON: "Nothing to do: the first attempt after the time shown goes through.",
        Reason.OUTSIDE_WINDOW: "Nothing to do: the first attempt inside the maintenance window goes through. To "
        "rotate now, run `lockstep rotate` with the driver's LOCKSTEP_<CODE>_WINDOW set to `any`.",
        Reason.BACK_OFF: "The vendor turned attempts away, or refused the request itself. `lockstep rotate "
        "--dry-run` names what is in the way.",
    }
)
"""Advice for a parked rotation that continues by itself, by the reason. For other reasons the plan says what to do."""


EXTERNAL_CHANGE = (
    "The password was changed outside of Lockstep. Either put the live password into the secret as a new version "
    "(the whole account document, staged AWSCURRENT), or reset the account at the vendor to the password of the "
    "current version. Then run this again. An unfinished rotation may stay as it is."
)
"""What to do when no stored password opens an account that changes its own."""

RESET_BY_ROTATION = (
    "The password was changed outside of Lockstep, and a rotation needs no old one: `lockstep rotate` resets it "
    "with the admin credential. To keep the outside password, put it into the secret as a new version instead."
)
"""What to do when no stored password opens an account that an API key resets."""

RESET_IN_TURN = (
    "The password was changed outside of Lockstep. `lockstep rotate` resets the other account, whose turn it is, and "
    "gives that one to readers."
)
"""What to do when no stored password opens either of two accounts that take turns."""


def no_current(live: str | None) -> str:
    """Return what to do about a secret without a current version."""
    if live is not None:
        return f"Attach AWSCURRENT to version {live}: its password opens the account. Then run this again."
    return "Put the account document, with the password that works now, as the secret's first version (AWSCURRENT)."


BAD_DOCUMENT = (
    "The current value must be a JSON object with driver, username, password and the driver's own keys "
    "(`lockstep drivers CODE` lists them). Put a corrected one as a new version (AWSCURRENT)."
)
"""What to do about a current value that is no account document."""


def strange_candidate(version_id: str) -> str:
    """Return what to do about a candidate that was sent and names another account than current."""
    return (
        f"Someone changed which account the secret names while a rotation ran. Version {version_id} may hold the live "
        "password of the former account: note it where that account is kept from now on, then take AWSPENDING from "
        "it, and run this again."
    )


def planted(version_id: str) -> str:
    """Return what to do about a candidate without a seal that has labels of a rotation."""
    return (
        f"Somebody put version {version_id}, and its password was not tried. Find out who (CloudTrail: "
        "PutSecretValue), then take AWSPENDING from it and rotate again. If an earlier release made it, or the seal's "
        "key was replaced twice since, run this again with LOCKSTEP_SEAL_SECRET=off: the version counts as ours then."
    )


BATCH_DRIFT = (
    "For each account named: where an API key resets it, `lockstep rotate` sets new passwords for the whole batch; "
    "otherwise put the live password into its entry, as a new version of the whole document (AWSCURRENT)."
)
"""What to do when accounts of a batch are not in step."""


def strange_batch(version_id: str) -> str:
    """Return what to do about a batch's candidate that was sent and has other accounts than current."""
    return (
        "Someone added, took out or moved an account while a rotation ran, which cannot continue like this. The live "
        f"password of an account that current does not name any more is in version {version_id}; where its reset had "
        "no effect, in the version from before the change (AWSPREVIOUS). Note both where that account is kept from now "
        f"on. Only then take AWSPENDING from version {version_id} and run this again: it names the accounts whose "
        "current password is dead. Or give current that version's accounts in its order: then the rotation continues."
    )


def put_since(version_id: str) -> str:
    """Return what to do where current is newer than an accepted reset, and no login can show which is live."""
    return (
        "It is unknown which of the two is live. Try current's password. If it opens the account, take AWSPENDING, "
        f"if it is there, and the `lockstep:` labels from version {version_id}; if that version's password does, "
        "attach AWSCURRENT to it. Then run this again. Or take AWSPENDING from it and run `lockstep rotate`: an API "
        "key sets a new password whichever of them is live."
    )


STOPPED = "If it was not stopped on purpose, start it at the vendor, and run this again."
"""What to do about a machine that is off, where no rotation is known to have stopped it."""


def ahead(found: Sequence[Ahead]) -> str:
    """Return what to do about labels from a machine whose clock was ahead."""
    labels = "; ".join(f"`{each.label}` from version {each.version_id}" for each in found)
    careful = (
        "An intent label (or a `lockstep:member` one) of a version that is not current only once its password is kept "
        "elsewhere, or is known not to open the account. "
    )
    return (
        "Look at this machine's clock first; if it is right, another one's was ahead. While no rotation runs, take "
        f"away {labels}. {careful if any(each.sent for each in found) else ''}"
        "In Vault they are in the journal beside the secret."
    )
