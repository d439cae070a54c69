"""Say errors in the plug-in's words: the keys of a connection and the options of a role.

The engine's hints name the variables of a deployment and the labels of Secrets Manager, which an operator of static
roles does not have. ``HINTS`` replaces whole hints, ``WORDS`` names inside of the others. Example: "Set
LOCKSTEP_MIN_EVIDENCE to ACCEPTED" becomes "Set the connection's `minimum_evidence` to ACCEPTED".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from rotation.core import errors
from rotation.engine.preconditions import UNFIT_HINT
from rotation.state.parking import PARKING, Reason

_CONNECTION = "Correct the connection (`bao write database/config/NAME`) or the role's options."
_STATUS = "`lockstep vault plugin status` compares the stored password with the vendor's."
_REPEATS = "The server tries again by itself. If this repeats, report it."
_LATER = "Nothing is tried before the time shown. The server's first attempt after that time continues."
_TARGET = (
    "The vendor accepts the reset, but the new password does not open the account. Look at the target in the vendor's "
    "console, and at the login service of the host. The server tries again by itself."
)

HINTS: Mapping[str, str] = MappingProxyType(
    {
        errors.ConfigError.default_hint: _CONNECTION,
        errors.UnknownDriver.default_hint: "`lockstep drivers` lists the codes. The connection's `plugins` must name "
        "the package of a driver of your own.",
        errors.DriverNotAllowed.default_hint: _CONNECTION,
        errors.EventError.default_hint: _REPEATS,
        errors.StageError.default_hint: _REPEATS,
        errors.NotReady.default_hint: _REPEATS,
        errors.RotationNotEnabled.default_hint: _REPEATS,
        errors.SecretDocumentError.default_hint: _CONNECTION,
        errors.IdentityChanged.default_hint: _REPEATS,
        errors.NotEnoughTime.default_hint: "Raise the connection's `deadline_seconds`; the server tries again.",
        errors.StoreError.default_hint: _REPEATS,
        UNFIT_HINT: "Nothing was sent. The server makes passwords with the `password_policy` of role or connection, "
        "and tries this password again and again. Check that it is the policy that `lockstep vault plugin install` "
        "writes for the driver. Then delete the role and make it again, which makes a new password.",
        errors.SecretNotFound.default_hint: _REPEATS,
        errors.NotYetVisible.default_hint: _REPEATS,
        PARKING[Reason.OUTSIDE_WINDOW].hint: "No reset begins outside of the connection's `window`. The server tries "
        "again every ten seconds, and the first attempt inside the window continues.",
        errors.LoginRejected.default_hint: f"{_STATUS} If they differ, `lockstep vault plugin rotate ROLE` sets a new "
        "one.",
        PARKING[Reason.WRONG_LOGIN_BUDGET].hint: f"Earlier wrong logins have used up the budget. {_LATER}",
        PARKING[Reason.BACK_OFF].hint: f"The vendor refused or postponed earlier resets, and accepted none. {_LATER}",
        PARKING[Reason.RESET_FAILS].hint: _TARGET,
        PARKING[Reason.EXTERNAL_CHANGE].hint: f"The server's password does not open the account. {_STATUS}",
        PARKING[Reason.CANDIDATE_REFUSED].hint: f"The vendor refuses the candidate, and an earlier reset with it may "
        f"have been applied. {_STATUS} If they differ, delete the role and make it again.",
    }
)

WORDS: tuple[tuple[str, str], ...] = (
    (r" to the secret as `host_key`, set\s+LOCKSTEP_SSH_TRUST_ON_FIRST_USE,", " to the role's options as `host_key`,"),
    (r", a setting of the deployment\b", ""),
    (r"LOCKSTEP_MIN_EVIDENCE", "the connection's `minimum_evidence`"),
    (r"LOCKSTEP_DRIVERS", "the connection's `driver`"),
    (r"LOCKSTEP_SEAL_SECRET=off", "an earlier release"),
    (
        r"LOCKSTEP_(?:[A-Z0-9_]+_|<CODE>_)?(ENDPOINT|LOGIN_HOST_KEY|LOGIN|WINDOW|LOCKOUT|HOSTS|PLUGINS)",
        r"the connection's `\1`",
    ),
    (r"LOCKSTEP_[A-Z0-9_<>]+", "the connection"),
    (r"\b(?:in|into) the secret( as a new version)?", "in the role's options"),
    (r"to the secret\b", "to the role's options"),
    (r"the secret lacks", "the role's options lack"),
    (r"the secret's\b", "the role's"),
    (r"[Dd]elete the secret", "Delete the role"),
    (r"(?:this|the) function's (?:address|network)", "the server's address"),
    (r"this function\b", "the server"),
    (r"; the function: `make build [A-Z]+=1`", ", into the environment of the plug-in's interpreter"),
    (r"\bcreateSecret\b", "the candidate was made"),
    (r"\b(?:setSecret|testSecret|finishSecret)\b", "the rotation"),
    (r"`lockstep doctor`", "`lockstep vault plugin status`"),
    (r"\bAWS(?:CURRENT|PENDING|PREVIOUS)\b", "the candidate"),
)
"""Patterns and what stands for them, in this order."""


def reworded(text: str) -> str:
    """Return a hint or a message in the plug-in's words."""
    found = HINTS.get(text)
    if found is not None:
        return found
    for pattern, words in WORDS:
        text = re.sub(pattern, words, text)
    return re.sub(r"(?<=connection's `)[A-Z_]+(?=`)", lambda key: key[0].lower(), text)
