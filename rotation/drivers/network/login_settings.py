"""Account settings that drivers of machines and databases share: the ports of logins, and what proves the host.

Use them as fields of a driver's account class: ``host_key: str = login_settings.host_key()``.
"""

from __future__ import annotations

from typing import Any

from rotation.core import settings
from rotation.core.settings import Check, matches


def port(help_text: str, default: int) -> Any:  # noqa: ANN401 - stands for a field
    """Declare a port."""
    check = settings.matches(r"[1-9][0-9]{0,4}", "must be a port")
    return settings.setting(help_text, check=check, default=default)


def host_key() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned key of an SSH host."""
    return settings.setting("The host's SSH key as in known_hosts, no host.", check=host_key_pin, default="")


def winrm_port() -> Any:  # noqa: ANN401 - as above
    """Declare the port of a Windows machine."""
    return port("Port of WinRM over TLS, on Windows.", 5986)


def certificate() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned certificate of a Windows machine."""
    help_text = "SHA-256 fingerprint of the certificate that WinRM shows on Windows, where no authority signed it."
    return settings.setting(help_text, check=certificate_pin, default="")


def server_certificate() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned certificate of a database server."""
    help_text = "SHA-256 fingerprint of the server's certificate; needed where no authority that is trusted signed it."
    return settings.setting(help_text, check=certificate_pin, default="")


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
