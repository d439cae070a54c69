"""A real OpenSSH server with PAM on loopback, from Debian's packages, with accounts of its own, and without root.

``.ci/debian-packages`` unpacks the packages. The server runs in a user and mount namespace where ``/etc`` and
``/run`` are its own folders: passwd, shadow, PAM's rules. One user id is mapped there, so cwrap's ``uid_wrapper`` and
``nss_wrapper`` stand in for ``setgroups`` and ``initgroups``, which the kernel refuses. All else is real: OpenSSH,
its privilege separation, pam_unix, pam_faillock. Every account's commands run as the user who runs the tests.
"""

from __future__ import annotations

import ctypes
import io
import os
import secrets
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_PORTS_TRIED = 5
_LIFE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account, as passwd and shadow describe it.

    Attributes:
        password: the right password.
        shell: the login shell.
        changed: days since 1970 of the last change; 0 means that the password must be changed at the next login.
        expires: days since 1970 of the account's end, or nothing.
        most_days: days after which the password must be changed.
        disabled: whether the password is locked as by ``passwd -l``.
    """

    password: str
    shell: str = "/bin/sh"
    changed: int = 19000
    expires: str = ""
    most_days: int = 99999
    disabled: bool = False


@dataclass(kw_only=True)
class OpenSsh:
    """The server; a context manager that listens from entry to exit.

    Attributes:
        packages: the folder that ``.ci/debian-packages`` filled.
        home: an empty folder for the server's files.
        accounts: by user name.
        settings: lines of sshd_config, before the defaults of this class. The first line of a keyword decides.
        faillock: how many wrong logins within 15 minutes lock an account for as long; ``None`` locks none.
        silent: whether pam_faillock does not say that an account is locked.
        denies: whether PAM's account rules let no account in.
    """

    packages: Path
    home: Path
    accounts: Mapping[str, Account]
    settings: tuple[str, ...] = ()
    faillock: int | None = None
    silent: bool = False
    denies: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    host_key: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @classmethod
    def missing(cls, packages: Path) -> str | None:
        """Return why no server can be started here, or ``None``."""
        reason = packages / "missing"
        if reason.exists():
            return reason.read_text().strip()
        return None if (packages / "root").is_dir() else "`make test` has not unpacked its packages"

    def __enter__(self) -> Self:
        for folder in ("etc/pam.d", "run/sshd", "tally"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "run/sshd").chmod(0o755)
        self.write_accounts()
        (self.home / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        self.write_rules()
        self.change_host_key()
        for _ in range(_PORTS_TRIED):
            if self._listens():
                return self
        raise RuntimeError(f"sshd does not start: {self.log()[-500:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def write_accounts(self) -> None:
        """Write the accounts' files; a changed account counts from its next login."""
        names = {"root": Account(password="", disabled=True), **self.accounts}
        ids = {name: 0 if name == "root" else 1000 + number for number, name in enumerate(names)}
        passwd = [f"{name}:x:{ids[name]}:0::/:{each.shell}" for name, each in names.items()]
        # The privileges of the user `sshd` are those of the only user id that is mapped.
        passwd.append("sshd:x:0:0::/:/bin/false")
        shadow = [
            f"{name}:{'!' * each.disabled}{_hash(each.password)}:{each.changed}:0:{each.most_days}:7::{each.expires}:"
            for name, each in names.items()
        ]
        for name, lines in (("passwd", passwd), ("shadow", shadow), ("group", ["root:x:0:"])):
            (self.home / "etc" / name).write_text("\n".join(lines) + "\n")

    def write_rules(self) -> None:
        """Write PAM's rules, which count from the next login."""
        (self.home / "etc/pam.d/sshd").write_text("\n".join(self._pam()) + "\n")

    def change_host_key(self) -> None:
        """Make a new host key, which counts from the next start."""
        private = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        path = self.home / "host_key"
        path.touch(mode=0o600)
        path.write_bytes(private)
        key = paramiko.Ed25519Key(file_obj=io.StringIO(private.decode()))
        self.host_key = f"{key.get_name()} {key.get_base64()}"

    def restart(self) -> None:
        """Stop, and start again at the same port with the files as they are now."""
        self._stop()
        self._start()

    def log(self) -> str:
        """Return what the server has logged."""
        return (self.home / "log").read_text(errors="replace")

    def wrong_logins(self, user: str) -> int:
        """Return how many wrong logins pam_faillock has counted: records of 64 bytes."""
        tally = self.home / "tally" / user
        return tally.stat().st_size // 64 if tally.exists() else 0

    def _pam(self) -> list[str]:
        modules = next(self._found("security/pam_unix.so")).parent
        unix = f"{modules}/pam_unix.so nodelay"
        denies = [f"account requisite {modules}/pam_deny.so"] if self.denies else []
        always = [*denies, f"account required {unix}", f"session required {modules}/pam_permit.so"]
        if self.faillock is None:
            return [f"auth required {unix}", *always]
        rule = f"dir={self.home}/tally deny={self.faillock} fail_interval=900 unlock_time=900"
        lock = f"{modules}/pam_faillock.so"
        silent = " silent" if self.silent else ""
        # As pam_faillock(8) shows it.
        return [
            f"auth required {lock} preauth {rule}{silent}",
            f"auth sufficient {unix}",
            f"auth [default=die] {lock} authfail {rule}",
            f"account required {lock} {rule}",
            *always,
        ]

    def _found(self, name: str) -> Iterator[Path]:
        return (self.packages / "root").glob(f"**/{name}")

    def _listens(self) -> bool:
        with socket.socket() as free:
            free.bind((self.host, 0))
            self.port = free.getsockname()[1]
        return self._start()

    def _start(self) -> bool:
        (self.home / "sshd_config").write_text("\n".join([*self.settings, *self._defaults()]) + "\n")
        binds = [f"mount --bind {shlex.quote(str(self.home / name))} /{name}" for name in ("etc", "run")]
        sshd = shlex.join([str(next(self._found("usr/sbin/sshd"))), "-D", "-e", "-f", str(self.home / "sshd_config")])
        inside = " && ".join([*binds, *self._exports(), f"exec {sshd}"])
        with (self.home / "log").open("wb") as log:
            # `timeout` ends a server whose tests were killed.
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program
                ["timeout", "-k", "5", str(_LIFE_SECONDS), "unshare", "-Urm", "sh", "-c", inside],  # noqa: S607 - Debian's own
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LC_ALL": "C"},
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as knock:
                if knock.connect_ex((self.host, self.port)) == 0 and knock.recv(4) == b"SSH-":
                    return True
            time.sleep(0.02)
        self._stop()
        return False

    def _exports(self) -> list[str]:
        """Return shell commands that come after the mounts: the wrappers are for the server alone."""
        wrappers = [str(next(self._found(f"lib{name}_wrapper.so"))) for name in ("uid", "nss")]
        folders = sorted({str(path.parent) for path in self._found("*.so*") if path.parent.name.endswith("-linux-gnu")})
        values = {
            "LD_LIBRARY_PATH": ":".join(folders),
            "LD_PRELOAD": " ".join(wrappers),
            "UID_WRAPPER": "1",
            "UID_WRAPPER_ROOT": "1",
            "NSS_WRAPPER_PASSWD": "/etc/passwd",
            "NSS_WRAPPER_GROUP": "/etc/group",
        }
        return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]

    def _defaults(self) -> list[str]:
        lines = [
            f"ListenAddress {self.host}:{self.port}",
            f"HostKey {self.home}/host_key",
            "UsePAM yes",
            "PidFile none",
            "StrictModes no",
            "LogLevel VERBOSE",
            f"Subsystem sftp {next(self._found('openssh/sftp-server'))}",
        ]
        # From 9.8 and 10.0 on the server's parts are programs of their own.
        parts = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}
        return lines + [f"{key} {path}" for key, name in parts.items() for path in self._found(name)]

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)  # the group was made for this server alone
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(_STOP_SECONDS)


def _hash(password: str) -> str:
    """Return shadow's hash of a password, by the C library's crypt, which Python 3.13 no longer has."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    hashed = crypt(password.encode(), f"$6$rounds=1000${secrets.token_hex(8)}".encode())
    assert isinstance(hashed, bytes)
    return hashed.decode()
