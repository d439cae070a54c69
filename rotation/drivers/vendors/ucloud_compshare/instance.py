"""A CompShare instance: the account's own keys, and what DescribeCompShareInstance says about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Observation, Power
from rotation.drivers.families.ucloud_machines import machine
from rotation.drivers.network import login_settings

_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Account(machine.Machine):
    """The account's own keys in the rotated secret."""

    host_key: str = login_settings.host_key()
    winrm_port: int = login_settings.winrm_port()
    certificate: str = login_settings.certificate()


def observation(account: Account, host: Mapping[str, object]) -> Observation:
    """Return what DescribeCompShareInstance shows of an instance."""
    container = host.get("InstanceType") == "Container"
    # The documents name "UHost", others have seen "Normal": anything that is no container is a machine.
    windows = not container and machine.is_windows(host)
    login = _winrm(account, host) if windows else _ssh(account, host.get("SshLoginCommand"))
    obstacles = machine.lifecycle(host)
    if not container:
        # By the vendor's page on spot instances: they cannot be stopped, only deleted.
        obstacles += machine.spot(host, "Spot")
    own = account.username if login is None else login.username
    hint = "Set username to the user of its SSH login command."
    obstacles += machine.wrong_user(account.username, own, hint, windows=windows)
    return Observation(
        variant="container" if container else "windows" if windows else "linux",
        state=str(host.get("State") or ""),
        obstacles=tuple(obstacles),
        login=login,
        readback=_readback(host.get("Password")),
        power=machine.power(host),
        reset_needs=None if container else Power.STOPPED,
    )


def _winrm(account: Account, host: Mapping[str, object]) -> LoginTarget | None:
    """Return the login at the machine's address; Windows has no login command."""
    address = machine.address(host)
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
