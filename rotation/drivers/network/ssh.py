"""The SSH login probe: tries one password by the password method alone, on a host whose key is pinned.

A key from an agent or a key file would log in with any password, and an unknown host would receive the new password;
so neither is used. Needs the extra ``ssh`` (paramiko).
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.connect import connect
from rotation.drivers.network.login_probe import MOST_SECONDS, login_seconds

if TYPE_CHECKING:
    import paramiko

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
# What is left of paramiko's lists without CBC, 3DES, SHA-1 and MD5, strongest first.
_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
_DIGESTS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256")
_WEAK_KINDS = ("ssh-rsa", "ssh-dss")
_HINTS = {
    "port_closed": "Open the way from this function to the host's login port (routes, security groups, the host's "
    "firewall), and see that its SSH service runs and that address and port are the right ones.",
    "no_answer": "See that the host is not overloaded and no firewall between it and this function drops packets.",
    "ssh_protocol": "See that an SSH service answers at this address and port, and that it offers algorithms of today.",
}


class SshProbe:
    """Implements ``LoginProbe``, ``ShowsHostKey`` and ``Greets``. A login takes at most ``most_seconds``."""

    def __init__(self, *, time_left: Callable[[], float], most_seconds: float = MOST_SECONDS) -> None:
        self._time_left = time_left
        self._most_seconds = most_seconds

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        if importlib.util.find_spec("paramiko") is None:
            return _missing()
        if target.host_key:
            return None
        return ConfigError(
            "the account cannot be verified by login: the secret lacks `host_key`",
            hint="Add the host's public key (`ssh-keyscan` over a trusted network) to the secret as `host_key`, set "
            "LOCKSTEP_SSH_TRUST_ON_FIRST_USE, or lower LOCKSTEP_MIN_EVIDENCE.",
        )

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Try the password once.

        Returns:
            ``REJECTED`` only when the host takes passwords and refused this one.

        Raises:
            CannotVerify: could not tell. ``vendor_code`` says why: ``host_key_missing``, ``host_key_changed``,
                ``port_closed``, ``no_answer``, ``ssh_protocol``, ``password_method_not_offered``,
                ``password_expired``, ``second_factor``.
            MissingExtra: paramiko is not installed.
            NotEnoughTime: nothing was tried.
        """
        pinned, deadline = _pinned(target), self._deadline()
        with _transport(target.host, target.port, deadline, pinned) as transport:
            return _judge(transport, target.username, password, deadline)

    def greet(self, target: LoginTarget) -> None:
        """See ``Greets``; raises what ``login`` raises before it shows the password."""
        pinned = _pinned(target)
        with _transport(target.host, target.port, self._deadline(), pinned):
            return

    def host_key(self, host: str, port: int) -> str:
        """Return the key that a host shows in the key exchange; see ``ShowsHostKey``."""
        with _transport(host, port, self._deadline(), None) as transport:
            return _key_line(transport)

    def _deadline(self) -> float:
        return time.monotonic() + login_seconds(self._time_left, self._most_seconds)


def _missing() -> MissingExtra:
    return MissingExtra(
        "an SSH login needs paramiko", hint="Install what `make dist` builds; the function: `make build SSH=1`."
    )


def _pinned(target: LoginTarget) -> str:
    if target.host_key:
        return target.host_key
    raise _unsent(
        "host_key_missing",
        "the host's key is not known, so the password is not shown to it",
        hint="Add the host's public key to the secret as `host_key`.",
    )


def _cannot(code: str, message: str, *, hint: str | None = None) -> CannotVerify:
    return CannotVerify(message, vendor_code=code, hint=hint)


def _unsent(code: str, message: str, *, hint: str | None = None) -> CannotVerify:
    """Return why the password was not shown to the host."""
    return CannotVerify(message, vendor_code=code, hint=_HINTS.get(code) if hint is None else hint, unsent=True)


def _lost(deadline: float) -> CannotVerify:
    """Return the error for a host that got a password and gave no answer: it may have counted a wrong login."""
    code = "no_answer" if time.monotonic() >= deadline else "ssh_protocol"
    return _cannot(code, "the host ended the login without an answer").changed(definite=False)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.01)


@contextmanager
def _transport(host: str, port: int, deadline: float, pinned: str | None) -> Iterator[paramiko.Transport]:
    """Connect, exchange keys, compare the host's key, and close at the end."""
    try:
        import paramiko
    except ImportError:
        raise _missing() from None
    try:
        sock = connect(host, port, lambda: _left(deadline))
    except TimeoutError:
        raise _unsent("no_answer", "the host did not answer in time") from None
    except OSError:
        raise _unsent("port_closed", "the host's SSH port cannot be reached") from None
    with sock:
        transport = paramiko.Transport(sock)
        try:
            _limit(transport, deadline, pinned)
            shown = _exchange_keys(transport, deadline)
            if pinned and shown != " ".join(pinned.split()[:2]):
                raise _changed()
            yield transport
        finally:
            transport.close()


def _limit(transport: paramiko.Transport, deadline: float, pinned: str | None) -> None:
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = _left(deadline)
    options = transport.get_security_options()
    options.ciphers = tuple(each for each in _CIPHERS if each in options.ciphers)
    options.digests = tuple(each for each in _DIGESTS if each in options.digests)
    options.kex = tuple(each for each in options.kex if not each.endswith("-sha1"))
    if pinned is None:
        options.key_types = tuple(each for each in options.key_types if each not in _WEAK_KINDS)
        return
    kind = pinned.split()[0]
    wanted = _RSA if kind == "ssh-rsa" else (kind,)
    known = tuple(each for each in options.key_types if each in wanted)
    if not known:
        raise _unsent(
            "ssh_protocol",
            "the secret's host_key is of a kind that this client does not know",
            hint="Store one key as `ssh-keyscan` prints it, without the host's name: its kind and its base64.",
        )
    options.key_types = known


def _exchange_keys(transport: paramiko.Transport, deadline: float) -> str:
    import paramiko

    try:
        transport.start_client(timeout=_left(deadline))
        return _key_line(transport)  # raises if the time is over, since start_client then returns without an error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        if "host key" in str(error):  # it shows keys, but none of the pinned kind
            raise _changed() from None
        raise _unsent("ssh_protocol", "the host and this client have no algorithm in common") from None
    except (paramiko.SSHException, OSError, EOFError):
        code = "no_answer" if time.monotonic() >= deadline else "ssh_protocol"
        raise _unsent(code, "the SSH handshake with the host failed") from None


def _changed() -> CannotVerify:
    return _unsent(
        "host_key_changed",
        "the host shows another key than the one pinned for it, so the password was not sent",
        hint="If the machine was reinstalled, store its new key as `host_key`; if not, the connection is intercepted.",
    )


def _key_line(transport: paramiko.Transport) -> str:
    key = transport.get_remote_server_key()
    return f"{key.get_name()} {key.get_base64()}"


def _judge(transport: paramiko.Transport, username: str, password: Secret, deadline: float) -> Verdict:
    import paramiko

    transport.auth_timeout = _left(deadline)
    try:
        # No fallback: it would answer any keyboard-interactive prompt with the password.
        more = transport.auth_password(username, password.reveal(), fallback=False)
    except paramiko.BadAuthenticationType:
        raise _cannot(
            "password_method_not_offered",
            "the host takes no passwords",
            hint="Set PasswordAuthentication yes on the host, or lower the minimum evidence.",
        ) from None
    except paramiko.AuthenticationException as error:
        # paramiko 5.1 raises the same class on a time-out and when the host hangs up; only this text is a refusal.
        if str(error) == "Authentication failed.":
            return Verdict.REJECTED
        raise _lost(deadline) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        # Message 60 after a password is PASSWD_CHANGEREQ (RFC 4252 section 8); paramiko reads it as an info request.
        if "Illegal info request" in str(error):
            raise _cannot(
                "password_expired",
                "the password is right, but the host wants it changed first",
                hint="Lift the expiry on the host (chage), then run the rotation again.",
            ) from None
        raise _lost(deadline) from None
    if more:
        raise _cannot(
            "second_factor",
            "the host took the password and wants a second factor",
            hint="Let this account in with a password alone from this function's address, or lower "
            "LOCKSTEP_MIN_EVIDENCE.",
        )
    return Verdict.ACCEPTED
