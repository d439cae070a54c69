"""A real NTLM server on loopback: Apache with mod_auth_gssapi and gss-ntlmssp, from Debian's packages, without root.

``.ci/debian-packages`` unpacks the packages. Debian has no WS-Management server any more, so a script answers Identify.
All that comes before it is real, and shares no code with pyspnego, which the client and the WinRM double use: TLS, the
offer of methods, and an acceptor of NTLM that binds a login to its connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

from spnego._ntlm_raw.crypto import ntowfv1  # only to hash a password

from rotation_testkit.databases.server import HOST, Server, free_port
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.hosts.winrm import IDENTIFIED

_MODULES = ("mpm_prefork", "authn_core", "authz_core", "authz_user", "auth_gssapi", "ssl", "alias", "cgi")
_LOCATION = """
SSLEngine on
SSLCertificateFile {home}/tls.pem
ScriptAlias /wsman {home}/wsman
<Location /wsman>
  AuthType GSSAPI
  AuthName WSMAN
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Location>
"""


@dataclass(frozen=True, slots=True)
class NtlmServer:
    """A running server.

    Attributes:
        port: where it listens on loopback.
        fingerprint: its certificate's, as a secret's ``certificate`` has it.
    """

    port: int
    fingerprint: str


def missing(packages: Path) -> str | None:
    """Return why no server can be started here, or ``None``."""
    reason = packages / "missing"
    if reason.exists():
        return reason.read_text().strip()
    return None if (packages / "root").is_dir() else "`make test` has not unpacked its packages"


@contextmanager
def ntlm_server(packages: Path, home: Path, users: Mapping[str, str]) -> Iterator[NtlmServer]:
    """Run a new server.

    Args:
        packages: the folder that ``.ci/debian-packages`` filled.
        home: an empty folder.
        users: the accounts' passwords.
    """
    root, certificate, port = packages / "root", Certificate(HOST), free_port()
    certificate.context(home)  # writes tls.pem
    libraries = [str(each) for each in (*root.glob("*/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu"))]
    (mechanism,) = root.glob("usr/lib/*-linux-gnu/gssntlmssp/gssntlmssp.so")
    (home / "mechanisms").write_text(f"gssntlmssp_v1 1.3.6.1.4.1.311.2.2.10 {mechanism}\n")
    # The form of smbpasswd, which holds a hash; who has that file can log in, but not read a password.
    hashes = {name: ntowfv1(password).hex().upper() for name, password in users.items()}
    (home / "users").write_text("".join(f"{name}:0:{'X' * 32}:{each}:[U]:LCT-0:\n" for name, each in hashes.items()))
    answer = f"Content-Type: application/soap+xml;charset=UTF-8\n\n{IDENTIFIED.decode()}"
    (home / "wsman").write_text(f"#!/bin/sh\ncat <<'E'\n{answer}\nE\n")
    (home / "wsman").chmod(0o755)
    (home / "httpd.conf").write_text(
        f"ServerRoot {root}/usr/lib/apache2\nPidFile {home}/pid\nErrorLog {home}/errors\nDocumentRoot {home}\n"
        f"ServerName {HOST}\nListen {HOST}:{port}\nStartServers 2\n"
        + "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in _MODULES)
        + _LOCATION.format(home=home)
    )

    def is_up() -> bool:
        with suppress(OSError), create_connection((HOST, port), timeout=1):
            return True
        return False

    environment = {
        "LD_LIBRARY_PATH": ":".join(libraries),
        "GSS_MECH_CONFIG": f"{home}/mechanisms",
        "NTLM_USER_FILE": f"{home}/users",
        "NETBIOS_COMPUTER_NAME": "HOST",
        "NETBIOS_DOMAIN_NAME": "HOST",
    }
    command = [f"{root}/usr/sbin/apache2", "-f", f"{home}/httpd.conf", "-DFOREGROUND"]
    with Server(command=command, home=home, port=port, is_up=is_up, environment=environment):
        yield NtlmServer(port, certificate.fingerprint)
