"""Finds out after an accepted password whether the account can use it: a session must open and run something.

OpenSSH with PAM accepts a password that has expired and must be changed. It then runs nothing but the change, for which
it demands a terminal (9.2: ``do_pwchange`` in session.c). A shell such as ``nologin`` also ends every session at once.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rotation.core.errors import CannotVerify
from rotation.drivers.network.login_probe import SshProof

if TYPE_CHECKING:
    import paramiko

_COMMAND = "exit 0"
"""Every shell knows it and does nothing: POSIX shells, csh, fish, Windows' cmd.exe and PowerShell."""
_SFTP_HELLO = b"\x00\x00\x00\x05\x01\x00\x00\x00\x03"  # SSH_FXP_INIT, version 3
_SFTP_VERSION = 2
_READ_MOST = 16 * 1024
_MUST_CHANGE = re.compile(rb"(?i)password[^.\n]{0,20} (?:has|is) expired|password change required|change your password")
_OTHER_PROOF = (
    "Where the account is not meant to run commands, set LOCKSTEP_SSH_PROOF (or LOCKSTEP_<DRIVER>_SSH_PROOF) to sftp, "
    "which opens the SFTP subsystem, or to login, which takes the accepted password as proof."
)


def require_session(transport: paramiko.Transport, proof: SshProof, deadline: float) -> None:
    """Open a session on a transport that has just logged in.

    Raises:
        CannotVerify: the password is right, but the account cannot use it. ``vendor_code`` says why:
            ``password_expired``, ``no_shell``, ``no_session``, ``no_answer``. It is definite, since the host counted no
            wrong login.
    """
    if proof is SshProof.LOGIN:
        return
    import paramiko

    try:
        with _ended_at(deadline, transport):
            channel = transport.open_session(timeout=max(deadline - time.monotonic(), 0.01))
            if proof is SshProof.EXEC:
                channel.exec_command(_COMMAND)
                channel.shutdown_write()
            else:
                channel.invoke_subsystem("sftp")
                with suppress(OSError):  # the session may have ended at once; how it ended decides
                    channel.sendall(_SFTP_HELLO)
                if _speaks_sftp(channel):
                    return
            status, said = channel.recv_exit_status(), _output(channel)
    except (paramiko.SSHException, OSError, EOFError):
        raise _refused(transport, deadline) from None
    if not transport.is_active() and status < 0:
        raise _refused(transport, deadline)
    _judge(transport, proof, status, said)


def must_change(said: bytes) -> bool:
    """Return whether a host demands a new password in what it said. The text itself is never shown."""
    return _MUST_CHANGE.search(said) is not None


def password_expired() -> CannotVerify:
    """Return the error for a right password that the host wants changed."""
    return CannotVerify(
        "the password is right, but the host wants it changed first",
        vendor_code="password_expired",
        hint="Lift the expiry on the host (`chage -d` with today's date, `chage -M -1`), then run the rotation again.",
    )


def banner(transport: paramiko.Transport) -> bytes:
    """Return what the host said during the login; paramiko's own method forgets it when the host hangs up."""
    return getattr(transport.auth_handler, "banner", None) or b""


def _judge(transport: paramiko.Transport, proof: SshProof, status: int, said: bytes) -> None:
    """Judge how the session ended; a host that ends it in order without a status has opened it (RFC 4254 6.10)."""
    if status <= 0 and proof is SshProof.EXEC:
        return
    if must_change(banner(transport) + b"\n" + said):
        raise password_expired()
    raise CannotVerify(
        f"the password is right, but the account's session ended at once with status {status}",
        vendor_code="no_shell",
        hint=f"See on the host whether the account has a shell (not nologin or false). {_OTHER_PROOF}",
    )


def _refused(transport: paramiko.Transport, deadline: float) -> CannotVerify:
    if time.monotonic() >= deadline:
        return CannotVerify(
            "the host took the password, but its session did not end in time",
            vendor_code="no_answer",
            hint=f"Raise LOCKSTEP_LOGIN_SECONDS if the host is slow. {_OTHER_PROOF}",
        )
    if must_change(banner(transport)):
        return password_expired()
    return CannotVerify(
        "the host took the password, but opened no session for the account",
        vendor_code="no_session",
        hint=f"See the host's log (PAM's session modules, limits, MaxSessions, ForceCommand). {_OTHER_PROOF}",
    )


def _speaks_sftp(channel: paramiko.Channel) -> bool:
    """Return whether the subsystem answers the greeting with its version: four bytes of length, then the type."""
    answer = b""
    while len(answer) <= 4 and (part := channel.recv(64)):  # noqa: PLR2004 - see the docstring
        answer += part
    return len(answer) > 4 and answer[4] == _SFTP_VERSION  # noqa: PLR2004 - as above


def _output(channel: paramiko.Channel) -> bytes:
    """Return the beginning of what the session wrote."""
    said = b""
    for read in (channel.recv, channel.recv_stderr):
        taken = b""
        while len(taken) < _READ_MOST and (part := read(1024)):
            taken += part
        said += taken + b"\n"
    return said


@contextmanager
def _ended_at(deadline: float, transport: paramiko.Transport) -> Iterator[None]:
    """Close the transport when the time is over: paramiko waits for answers on a channel without a limit."""
    timer = threading.Timer(max(deadline - time.monotonic(), 0), transport.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
