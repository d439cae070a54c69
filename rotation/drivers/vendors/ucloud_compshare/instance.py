"""A CompShare instance: the account's own keys, and what DescribeCompShareInstance says about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, DriverError, InProgress, PreconditionFailed, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Observation, Power
from rotation.drivers.network import login_settings

_ID = settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or underscores")
_WINDOWS_USER = "administrator"
"""By the vendor's page on logging in; on Windows the case does not matter."""
_LAST_PORT = 65_535
_PASSING = frozenset({"Initializing", "Starting", "Stopping", "Rebooting", "Resizing", "Pending", "Reinstalling"})


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    region: str = settings.setting("Region of the instance, such as cn-wlcb.", check=_ID)
    zone: str = settings.setting("Zone of the instance, such as cn-wlcb-01.", check=_ID)
    uhost_id: str = settings.setting("The instance's id, uhost-….", check=_ID)
    username: str = settings.setting("The instance's own login: root, ubuntu, or administrator on Windows.", check=_ID)
    project_id: str = settings.setting("The project; sub-accounts must name it.", check=_ID, default="")
    host_key: str = login_settings.host_key()
    winrm_port: int = login_settings.winrm_port()
    certificate: str = login_settings.certificate()


def observation(account: Account, host: Mapping[str, object]) -> Observation:
    """Return what DescribeCompShareInstance shows of an instance."""
    container = host.get("InstanceType") == "Container"
    # The documents name "UHost", others have seen "Normal": anything that is no container is a machine.
    variant = "container" if container else "windows" if host.get("OsType") == "Windows" else "linux"
    state = str(host.get("State") or "")
    login = _winrm(account, host) if variant == "windows" else _ssh(account, host.get("SshLoginCommand"))
    obstacles = _lifecycle(state, host.get("IsExpire"))
    if not container and host.get("ChargeType") == "Spot" and state == "Running":
        # By the vendor's page on spot instances: they cannot be stopped, only deleted.
        message = "a spot machine cannot be stopped, and a running machine cannot be reset"
        hint = "Take this secret out of rotation, or move the workload to another charge type."
        obstacles.append(PreconditionFailed(message, hint=hint))
    obstacles += _wrong_user(account, login, windows=variant == "windows")
    return Observation(
        variant=variant,
        state=state,
        obstacles=tuple(obstacles),
        login=login,
        readback=_readback(host.get("Password")),
        power=Power(state.lower()) if state in {"Running", "Stopped"} else None,
        reset_needs=None if container else Power.STOPPED,
    )


def _lifecycle(state: str, expired: object) -> list[DriverError]:
    found: list[DriverError] = []
    if expired == "Yes":
        found.append(AccountUnusable("the instance has expired", hint="Renew the instance."))
    if state in _PASSING:
        found.append(InProgress("the instance is changing its state"))
    elif not state:  # the vendor's words: unknown, or its backend timed out
        found.append(VendorUnavailable("the vendor does not know the instance's state"))
    elif state not in {"Running", "Stopped"}:
        hint = "Look at the instance in the console."
        found.append(AccountUnusable("the instance is in no state in which it can be reset", hint=hint))
    return found


def _wrong_user(account: Account, login: LoginTarget | None, *, windows: bool) -> list[DriverError]:
    own = _WINDOWS_USER if windows else account.username if login is None else login.username
    if account.username == own or (windows and account.username.lower() == own):
        return []
    hint = f"Set username to {_WINDOWS_USER}." if windows else "Set username to the user of its SSH login command."
    message = "the vendor resets the instance's own login, which is not the secret's username"
    return [PreconditionFailed(message, hint=hint)]


def _winrm(account: Account, host: Mapping[str, object]) -> LoginTarget | None:
    """Return the login at the machine's public address, else at its private one; Windows has no login command."""
    entries = host.get("IPSet")
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        ip = entry.get("IP") if isinstance(entry, dict) else None
        if isinstance(ip, str) and re.fullmatch(r"[A-Za-z0-9.:-]{1,255}", ip):
            found.setdefault("private" if entry.get("Type") == "Private" else "public", ip)
    address = found.get("public") or found.get("private")
    if address is None:
        return None
    return LoginTarget("winrm", address, account.winrm_port, account.username, account.certificate or None)


def _ssh(account: Account, command: object) -> LoginTarget | None:
    """Read a command such as ``ssh -p 23 root@HOST``; options may stand on either side of the target."""
    if not isinstance(command, str):
        return None
    target = re.search(r"(?:^|\s)([A-Za-z0-9._-]+)@([A-Za-z0-9.:-]+)(?=\s|$)", command)
    port = re.search(r"\s-p\s*([0-9]{1,5})(?=\s|$)", command)
    number = int(port[1]) if port else 22
    if target is None or not 0 < number <= _LAST_PORT or not command.lstrip().startswith("ssh "):
        return None
    return LoginTarget("ssh", target[2], number, target[1], account.host_key or None)


def _readback(stored: object) -> Secret | None:
    """Decode the stored password. Old ones are not Base64; the vendor's own CLI accepts both."""
    if not isinstance(stored, str) or not stored:
        return None
    try:
        return Secret(base64.b64decode(stored, validate=True).decode())
    except (binascii.Error, ValueError):
        return Secret(stored)
