"""A CompShare instance: the account's own keys, and what DescribeCompShareInstance says about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation import settings
from rotation.errors import AccountUnusable, DriverError, InProgress, PreconditionFailed, VendorUnavailable
from rotation.model import LoginTarget, Observation, Power
from rotation.secret import Secret

_ID = settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or underscores")
_KEY_LINE = settings.matches(
    r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,4096}={0,2}", "must be one line: key type, blank, base64"
)
_PASSING = frozenset({"Initializing", "Starting", "Stopping", "Rebooting", "Resizing", "Pending", "Reinstalling"})


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    region: str = settings.setting("Region of the instance, such as cn-wlcb.", check=_ID)
    zone: str = settings.setting("Zone of the instance, such as cn-wlcb-01.", check=_ID)
    uhost_id: str = settings.setting("The instance's id, uhost-….", check=_ID)
    username: str = settings.setting("The instance's own login: root, or ubuntu on Ubuntu images.", check=_ID)
    project_id: str = settings.setting("The project; sub-accounts must name it.", check=_ID, default="")
    host_key: str = settings.setting("The host's SSH key as in known_hosts, no host.", check=_KEY_LINE, default="")


def observation(account: Account, host: Mapping[str, object]) -> Observation:
    container = host.get("InstanceType") == "Container"
    # The documents know "UHost", others have seen "Normal": whatever is no container is a machine.
    variant = "container" if container else "windows" if host.get("OsType") == "Windows" else "linux"
    state = str(host.get("State") or "")
    login = _login(account, host.get("SshLoginCommand"))
    obstacles = [*_lifecycle(state, host.get("IsExpire"))]
    if not container and host.get("ChargeType") == "Spot" and state == "Running":
        # By the vendor's page on spot instances: they cannot be stopped, only deleted.
        obstacles.append(
            PreconditionFailed(
                "a spot machine cannot be stopped, and a running machine cannot be reset",
                hint="Take this secret out of rotation, or move the workload to another charge type.",
            )
        )
    if login is not None and login.username != account.username:
        obstacles.append(
            PreconditionFailed(
                "the vendor resets the instance's own login, which is not the secret's username",
                hint="Set username to the user of the instance's SSH login command in the console.",
            )
        )
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


def _login(account: Account, command: object) -> LoginTarget | None:
    """Read ``ssh -p 23 root@HOST``, options on either side of the target."""
    if not isinstance(command, str):
        return None
    target = re.search(r"(?:^|\s)([A-Za-z0-9._-]+)@([A-Za-z0-9.:-]+)(?=\s|$)", command)
    port = re.search(r"\s-p\s*([0-9]{1,5})(?=\s|$)", command)
    if target is None or not command.lstrip().startswith("ssh "):
        return None
    return LoginTarget("ssh", target[2], int(port[1]) if port else 22, target[1], account.host_key or None)


def _readback(stored: object) -> Secret | None:
    """Decode the stored password; old ones are not base64 (the vendor's own CLI copes with that, too)."""
    if not isinstance(stored, str) or not stored:
        return None
    try:
        return Secret(base64.b64decode(stored, validate=True).decode())
    except (binascii.Error, ValueError):
        return Secret(stored)
