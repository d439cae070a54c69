"""Account settings that drivers of machines share: the ports of the shared login probes, and what proves the host.

Use them as fields of a driver's account class: ``host_key: str = login_settings.host_key()``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rotation.core import settings
from rotation.core.settings import Check, matches


def port(help_text: str, default: int) -> Any:  # noqa: ANN401 - stands for a field
    """Declare a port."""
    check = settings.matches(r"[1-9][0-9]{0,4}", "must be a port")
    return settings.setting(help_text, check=check, default=default)


def host_key() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned key of an SSH host."""
    return settings.setting("The host's SSH key as in known_hosts, no host.", check=PINS["ssh"], default="")


def winrm_port() -> Any:  # noqa: ANN401 - as above
    """Declare the port of a Windows machine."""
    return port("Port of WinRM over TLS, on Windows.", 5986)


def certificate() -> Any:  # noqa: ANN401 - as above
    """Declare the pinned certificate of a Windows machine."""
    help_text = "SHA-256 fingerprint of the certificate that WinRM shows on Windows, where no authority signed it."
    return settings.setting(help_text, check=PINS["winrm"], default="")


PINS: Mapping[str, Check] = {
    "ssh": matches(r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,4096}={0,2}", "must be one line: key type, blank, base64"),
    "winrm": matches(
        r"sha256:(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}", "must be sha256: and 64 hexadecimal digits of a fingerprint"
    ),
}
"""By kind of login probe, what proves a host: an SSH key as in known_hosts, a certificate's SHA-256 fingerprint."""
