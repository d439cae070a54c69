"""A machine: the account's keys that every product has, and what Describe says about its life, address and login."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, DriverError, InProgress, PreconditionFailed, VendorUnavailable
from rotation.core.values import Power

ID = settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or underscores")
_WINDOWS_USER = "administrator"
"""By the vendor's page on logging in; on Windows the case does not matter."""
_PASSING = frozenset({"Initializing", "Starting", "Stopping", "Rebooting", "Resizing", "Pending", "Reinstalling"})


@dataclass(frozen=True, slots=True)
class Machine:
    """The keys in the rotated secret that name a machine and its login."""

    region: str = settings.setting("Region of the instance, such as cn-wlcb.", check=ID)
    zone: str = settings.setting("Zone of the instance, such as cn-wlcb-01.", check=ID)
    uhost_id: str = settings.setting("The instance's id, uhost-….", check=ID)
    username: str = settings.setting("The instance's own login: root, ubuntu, or administrator on Windows.", check=ID)
    project_id: str = settings.setting("The project; sub-accounts must name it.", check=ID, default="")


def is_windows(host: Mapping[str, object]) -> bool:
    """Return whether a host of the vendor's list runs Windows."""
    return host.get("OsType") == "Windows"


def power(host: Mapping[str, object]) -> Power | None:
    """Return a host's power state; ``None`` while it changes."""
    state = str(host.get("State") or "")
    return Power(state.lower()) if state in {"Running", "Stopped"} else None


def lifecycle(host: Mapping[str, object]) -> list[DriverError]:
    """Return what in a host's state and bill stands in the way of a reset."""
    state = str(host.get("State") or "")
    found: list[DriverError] = []
    if host.get("IsExpire") == "Yes":
        found.append(AccountUnusable("the instance has expired", hint="Renew the instance."))
    if state in _PASSING:
        found.append(InProgress("the instance is changing its state"))
    elif not state:  # the vendor's words: unknown, or its backend timed out
        found.append(VendorUnavailable("the vendor does not know the instance's state"))
    elif state not in {"Running", "Stopped"}:
        hint = "Look at the instance in the console."
        found.append(AccountUnusable("the instance is in no state in which it can be reset", hint=hint))
    return found


def spot(host: Mapping[str, object], *charge_types: str) -> list[DriverError]:
    """Return the obstacle of a running spot machine, whose charge type is one of these."""
    if host.get("ChargeType") not in charge_types or host.get("State") != "Running":
        return []
    message = "a spot machine cannot be stopped, and a running machine cannot be reset"
    hint = "Take this secret out of rotation, or move the workload to another charge type."
    return [PreconditionFailed(message, hint=hint)]


def wrong_user(username: str, own: str, hint: str, *, windows: bool) -> list[DriverError]:
    """Return the obstacle if the vendor resets another login, ``own``; on Windows it is administrator's."""
    own = _WINDOWS_USER if windows else own
    if username == own or (windows and username.lower() == own):
        return []
    message = "the vendor resets the instance's own login, which is not the secret's username"
    return [PreconditionFailed(message, hint=f"Set username to {_WINDOWS_USER}." if windows else hint)]


def address(host: Mapping[str, object], which: str = "auto") -> str | None:
    """Return the host's ``public`` or ``private`` address; for ``auto`` the public one, else the private one."""
    entries = host.get("IPSet")
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        ip = entry.get("IP") if isinstance(entry, dict) else None
        if isinstance(ip, str) and re.fullmatch(r"[A-Za-z0-9.:-]{1,255}", ip):
            found.setdefault("private" if entry.get("Type") == "Private" else "public", ip)
    return found.get("public") or found.get("private") if which == "auto" else found.get(which)
