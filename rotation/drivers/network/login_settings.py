"""Account settings that drivers of machines and databases share: the ports of logins, and what proves the host.

Use them as fields of a driver's account class: ``host_key: str = login_settings.host_key()``. A value may choose these,
so each is held against what the deployment allows (ports) and what the secret is bound to (ports, keys, certificates).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from rotation.core import settings
from rotation.core.settings import Check, matches
from rotation.core.values import LoginTarget

DEFAULT_PORTS: Mapping[str, int] = {"ssh": 22, "winrm": 5986}
"""By kind of login probe, the port that every deployment allows."""
_PORT, _PIN = "login_port", "login_pin"


def ssh_port() -> Any:  # noqa: ANN401 - stands for a field
    """Declare the port of an SSH host."""
    return _port("ssh", "Port of the host's SSH server; others than 22 must be in LOCKSTEP_LOGIN_PORTS.")


def host_key() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned key of an SSH host."""
    return _pin("ssh", "The host's SSH key as in known_hosts, no host.")


def winrm_port() -> Any:  # noqa: ANN401 - as above
    """Declare the port of a Windows machine."""
    return _port("winrm", "Port of WinRM over TLS, on Windows; others than 5986 must be in LOCKSTEP_LOGIN_PORTS.")


def certificate() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned certificate of a Windows machine."""
    return _pin("winrm", "SHA-256 fingerprint of WinRM's certificate on Windows, where no authority signed it.")


def address() -> Any:  # noqa: ANN401 - as above
    """Declare which of a machine's addresses a login goes to."""
    text = "Which address to log in at: public, private, or auto (the public one where there is one)."
    return settings.setting(text, check=settings.one_of("auto", "public", "private"), default="auto")


def database_address() -> Any:  # noqa: ANN401 - as above
    """Declare which of a database server's addresses a login goes to."""
    text = "Which address to log in at: private or public."
    return settings.setting(text, check=settings.one_of("private", "public"), default="private")


def database_login(account: Any, kind: str, host: object, port: object) -> LoginTarget | None:  # noqa: ANN401 - an account
    """Return the login at a database server, as the vendor tells host and port; ``None`` where it tells none."""
    if not isinstance(host, str) or not host or not re.fullmatch(r"[1-9][0-9]{0,4}", str(port)):
        return None
    pin, opened = account.certificate or None, account.database or None
    return LoginTarget(kind, host, int(str(port)), account.username, pin, opened)


def machine_login(account: Any, host: str | None, *, windows: bool) -> LoginTarget | None:  # noqa: ANN401 - an account
    """Return the login of a machine at a host, by the four settings above; ``None`` without a host."""
    if host is None:
        return None
    if windows:
        return LoginTarget("winrm", host, account.winrm_port, account.username, account.certificate or None)
    return LoginTarget("ssh", host, account.ssh_port, account.username, account.host_key or None)


def _port(kind: str, help_text: str) -> Any:  # noqa: ANN401 - as above
    check = settings.matches(r"[1-9][0-9]{0,4}", "must be a port")
    return settings.setting(help_text, check=check, default=DEFAULT_PORTS[kind], role=(_PORT, kind))


def _pin(kind: str, help_text: str) -> Any:  # noqa: ANN401 - as above
    return settings.setting(
        help_text, check=host_key_pin if kind == "ssh" else certificate_pin, default="", role=(_PIN, kind)
    )


def ports(account: Any) -> Mapping[str, int]:  # noqa: ANN401 - an instance of a driver's account class
    """Return the ports that an account's settings choose, by kind of login probe."""
    return {kind: getattr(account, name) for name, kind in _fields(account, _PORT).items()}


def pins(account: Any) -> Mapping[str, str]:  # noqa: ANN401 - as above
    """Return the keys and certificates that an account's settings pin, by kind of login probe."""
    found = {kind: getattr(account, name) for name, kind in pin_fields(account).items()}
    return {kind: pin for kind, pin in found.items() if pin}


def pin_fields(account: Any) -> Mapping[str, str]:  # noqa: ANN401 - as above
    """Return the kind of login probe by the name of each setting that pins a host."""
    return _fields(account, _PIN)


def _fields(account: Any, role: str) -> Mapping[str, str]:  # noqa: ANN401 - as above
    found = ((field.name, field.metadata.get("role")) for field in dataclasses.fields(account))
    return {name: each[1] for name, each in found if each is not None and each[0] == role}


def normal_pin(kind: str, pin: str) -> str:
    """Return a pin in the one spelling that is compared: a key without its comment, a fingerprint without colons."""
    return " ".join(pin.split()[:2]) if kind == "ssh" else pin.replace(":", "").lower()


def server_certificate() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned certificate of a database server."""
    return _pin(
        "server",
        "SHA-256 fingerprint of the server's certificate; needed where no trusted authority signed it.",
    )


def database(default: str = "") -> Any:  # noqa: ANN401 - as above
    """Declare the database that a login opens."""
    check = settings.matches(r"[^\x00-\x1f\x7f]{1,63}", "must have 1 to 63 characters")
    return settings.setting("The database that the account may open.", check=check, default=default)


host_key_pin: Check = matches(
    r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,4096}={0,2}", "must be one line: key type, blank, base64"
)
"""Checks an SSH host's key, as in known_hosts without the host."""
certificate_pin: Check = matches(
    r"sha256:(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}", "must be sha256: and 64 hexadecimal digits of a fingerprint"
)
"""Checks a certificate's SHA-256 fingerprint."""


def fingerprint(pin: str) -> str:
    """Return the 64 lower-case digits of a certificate's pin."""
    return pin.removeprefix("sha256:").replace(":", "").lower()
