"""The handshake of plug-in and host: a cookie, the protocol version, the certificates, and one line on standard output.

1. The host sets variables: the cookie (it keeps people from starting the plug-in by hand), its protocol versions, its
   certificate, and limits for the socket. ``Offer.read`` checks them.
2. The plug-in listens and writes one line of six fields: the version of this handshake, the protocol version, network,
   address, ``grpc``, and its own certificate (base64 of DER without padding).

Example: from ``PLUGIN_PROTOCOL_VERSIONS=5,6`` and our versions {5, 6} follows 6, and the line is
``1|6|unix|/tmp/lockstep-4711-0f3a…/s|grpc|MIIB…``. Facts: go-plugin and OpenBao 2.7.2, measured 2026-11-22.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

CORE_PROTOCOL = 1


class HandshakeError(Exception):
    """The process was not started by a host that the plug-in can serve. The text holds no value."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A variable that shows that a host started the process. It is not a secret."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the host asks for.

    Attributes:
        version: the newest protocol version of both sides.
        client_certificate: the host's certificate, PEM; no other client may connect.
        socket_folder: the folder for the socket (container runtimes); ``None`` for the system's temporary folder.
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
            HandshakeError: not started by a host, no common protocol version, or no certificate of the host.
        """
        if environment.get(cookie.key) != cookie.value:
            raise HandshakeError(
                "this program is a plug-in of Vault and OpenBao, which start it; it does nothing by itself"
            )
        # Older hosts name no versions and speak our oldest one.
        asked = {int(each) for each in environment.get("PLUGIN_PROTOCOL_VERSIONS", "").split(",") if each.isdigit()}
        common = versions & asked if asked else {min(versions)}
        if not common:
            raise HandshakeError(f"the host speaks none of the protocol versions {sorted(versions)}")
        certificate = environment.get("PLUGIN_CLIENT_CERT", "")
        if "BEGIN CERTIFICATE" not in certificate:
            raise HandshakeError("the host sent no certificate (AutoMTLS), so any process could pretend to be the host")
        low, high = (environment.get(f"PLUGIN_{end}_PORT", "") for end in ("MIN", "MAX"))
        return cls(
            version=max(common),
            client_certificate=certificate,
            socket_folder=environment.get("PLUGIN_UNIX_SOCKET_DIR") or None,
            socket_group=environment.get("PLUGIN_UNIX_SOCKET_GROUP") or None,
            ports=range(int(low) if low.isdigit() else 0, (int(high) if high.isdigit() else 0) + 1),
        )


def line(version: int, address: str, certificate: bytes) -> str:
    """Return the line that the host waits for, with ``unix|PATH`` or ``tcp|HOST:PORT`` and a certificate in DER."""
    encoded = base64.b64encode(certificate).decode().rstrip("=")
    return f"{CORE_PROTOCOL}|{version}|{address}|grpc|{encoded}"


class Stdout:
    """Standard output, for one line; everything else that the process prints goes to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._line = os.dup(1)
        os.dup2(2, 1)

    def say(self, text: str) -> None:
        """Write the line and close the pipe."""
        with os.fdopen(self._line, "w") as pipe:
            pipe.write(text + "\n")
