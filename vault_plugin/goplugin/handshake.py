"""How plug-in and host meet: a cookie that keeps people from running it by hand, the protocol, one line on stdout.

Facts: HashiCorp's go-plugin and OpenBao 2.7.2, measured 2026-11-22.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

CORE_PROTOCOL = 1


class HandshakeError(Exception):
    """Whoever started this process is no host that we can serve; the text holds no value."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """Says that the process was started by a host and not by hand. No secret."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the host's environment asks for.

    Attributes:
        version: the newest protocol version that both sides speak.
        client_certificate: the host's certificate, PEM; the only one that may connect.
        socket_folder: where the socket must lie (container runtimes), ``None`` for a private folder of our own.
        socket_group: the group that may use the socket (container runtimes), a name or a number.
        ports: the range for TCP.
    """

    version: int
    client_certificate: str
    socket_folder: str | None
    socket_group: str | None
    ports: range

    @classmethod
    def read(cls, environment: Mapping[str, str], cookie: Cookie, versions: frozenset[int]) -> Offer:
        """Read the variables that go-plugin sets.

        Raises:
            HandshakeError: not started by a host, no common protocol, or no certificate to check the host by.
        """
        if environment.get(cookie.key) != cookie.value:
            raise HandshakeError(
                "this program is a plug-in of Vault and OpenBao, which start it; it does nothing alone"
            )
        # Older hosts name no versions and speak the first that we have.
        asked = {int(each) for each in environment.get("PLUGIN_PROTOCOL_VERSIONS", "").split(",") if each.isdigit()}
        common = versions & asked if asked else {min(versions)}
        if not common:
            raise HandshakeError(f"the host speaks none of the protocol versions {sorted(versions)}")
        certificate = environment.get("PLUGIN_CLIENT_CERT", "")
        if "BEGIN CERTIFICATE" not in certificate:
            raise HandshakeError("the host sent no certificate (AutoMTLS), so anybody could pretend to be it")
        low, high = (environment.get(f"PLUGIN_{end}_PORT", "") for end in ("MIN", "MAX"))
        return cls(
            version=max(common),
            client_certificate=certificate,
            socket_folder=environment.get("PLUGIN_UNIX_SOCKET_DIR") or None,
            socket_group=environment.get("PLUGIN_UNIX_SOCKET_GROUP") or None,
            ports=range(int(low) if low.isdigit() else 0, (int(high) if high.isdigit() else 0) + 1),
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens: ``unix`` with a path, or ``tcp`` with host and port."""

    network: str
    address: str


def line(version: int, where: Address, certificate: bytes) -> str:
    """Return the one line that the host waits for. ``certificate`` is ours, DER."""
    encoded = base64.b64encode(certificate).decode().rstrip("=")
    return f"{CORE_PROTOCOL}|{version}|{where.network}|{where.address}|grpc|{encoded}"


class Stdout:
    """Owns standard output: one line goes there, and whatever is printed before or after goes to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._line = os.dup(1)
        os.dup2(2, 1)

    def say(self, text: str) -> None:
        """Write the line and close the pipe."""
        with os.fdopen(self._line, "w") as pipe:
            pipe.write(text + "\n")
