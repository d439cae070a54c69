"""The SSH login probe: tries one password by the password method alone, on a host whose key is pinned.

A key from an agent or a key file would log in with any password, and an unknown host would receive the new password;
so neither is used. After the password a session must open (``ssh_session``). Needs the extra ``ssh`` (paramiko).
"""

from __future__ import annotations

import importlib.util
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rotation.core.errors import AccountLocked, CannotVerify, ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.connect import connect
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginKind, LoginTerms, login_seconds
from rotation.drivers.network.login_settings import host_key_pin
from rotation.drivers.network.ssh_session import banner, password_expired, require_session

if TYPE_CHECKING:
    import paramiko

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
# What is left of paramiko's lists without CBC, 3DES, SHA-1 and MD5, strongest first.
_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
_DIGESTS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256")
_WEAK_KINDS = ("ssh-rsa", "ssh-dss")
_LOCKED = re.compile(r"(?i)account (?:is )?(?:temporarily )?locked")
_EXPIRED = re.compile(rb"(?i)account has expired")
_ASKS_WITHOUT_COUNTING = (8, 4)
"""From this OpenSSH on, no host counts a login by keyboard-interactive that nobody answered. Older distributions have
pam_tally2, which counts when a login begins; Linux-PAM 1.4 removed it (June 2020; Debian 11, Ubuntu 22.04, RHEL 9)."""
_USERAUTH_REQUEST = 50  # RFC 4252 section 6
_HINTS = {
    "port_closed": "Open the way from this function to the host's login port (routes, security groups, the host's "
    "firewall), and see that its SSH service runs and that address and port are the right ones.",
    "no_answer": "See that the host is not overloaded and no firewall between it and this function drops packets.",
    "ssh_protocol": "See that an SSH service answers at this address and port, and that it offers algorithms of today.",
}


class SshProbe:
    """Implements ``LoginProbe``, ``ShowsHostKey`` and ``Greets``. A login takes at most ``terms.seconds``."""

    def __init__(self, *, time_left: Callable[[], float], terms: LoginTerms = DEFAULT_TERMS) -> None:
        self._time_left = time_left
        self._terms = terms

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
        """Try the password once, and open a session with it.

        Returns:
            ``REJECTED`` when the host takes passwords and refused this one. A host that ends the connection in place of
            an answer, and then exchanges keys on a new one, has refused it, too: OpenSSH does so with ``MaxAuthTries
            1``. Where it did so for another reason, such as a rule of PAM for this account, the password does not open
            the account either, and sending the same password again does no harm.

        Raises:
            AccountLocked: the host says that wrong logins have locked the account.
            CannotVerify: could not tell. ``vendor_code`` says why: ``host_key_missing``, ``host_key_changed``,
                ``port_closed``, ``no_answer``, ``ssh_protocol``, ``password_method_not_offered``,
                ``password_expired``, ``account_expired``, ``second_factor``, ``no_shell``, ``no_session``.
            MissingExtra: paramiko is not installed.
            NotEnoughTime: nothing was tried.
        """
        pinned, deadline = _pinned(target), self._deadline()
        with _transport(target.host, target.port, deadline, pinned) as transport:
            verdict = _judge(transport, target.username, password, deadline)
            if verdict is Verdict.ACCEPTED:
                require_session(transport, self._terms.ssh_proof, deadline)
            elif verdict is Verdict.REJECTED:
                _raise_if_locked(transport, target.username, deadline)
        if verdict is not None:
            return verdict
        try:
            with _transport(target.host, target.port, deadline, pinned):
                return Verdict.REJECTED
        except CannotVerify:
            raise _lost(deadline) from None

    def greet(self, target: LoginTarget) -> None:
        """See ``Greets``; raises what ``login`` raises before it shows the password, and where none is taken.

        It asks for the method ``none``, as every client of OpenSSH does first: the host names its methods, and does not
        count a first ``none`` as a try (auth2.c).
        """
        pinned, deadline = _pinned(target), self._deadline()
        with _transport(target.host, target.port, deadline, pinned) as transport:
            _require_password_method(transport, target.username, deadline)

    def host_key(self, host: str, port: int) -> str:
        """Return the key that a host shows in the key exchange; see ``ShowsHostKey``."""
        with _transport(host, port, self._deadline(), None) as transport:
            return _key_line(transport)

    def _deadline(self) -> float:
        return time.monotonic() + login_seconds(self._time_left, self._terms.seconds)


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


def _require_password_method(transport: paramiko.Transport, username: str, deadline: float) -> None:
    import paramiko

    transport.auth_timeout = _left(deadline)
    try:
        transport.auth_none(username)
    except paramiko.BadAuthenticationType as offer:
        if "password" not in offer.allowed_types:
            raise _no_passwords() from None
    except (paramiko.SSHException, OSError, EOFError):
        code = "no_answer" if time.monotonic() >= deadline else "ssh_protocol"
        raise _unsent(code, "the host did not say how it lets accounts in") from None


def _no_passwords() -> CannotVerify:
    return _unsent(
        "password_method_not_offered",
        "the host takes no passwords",
        hint="Set PasswordAuthentication yes on the host, or lower the minimum evidence.",
    )


def _judge(transport: paramiko.Transport, username: str, password: Secret, deadline: float) -> Verdict | None:
    """Show the password. Return ``None`` if the host hung up in place of an answer."""
    import paramiko

    transport.auth_timeout = _left(deadline)
    shown = _watch_for_password(transport)
    try:
        # No fallback: it would answer any keyboard-interactive prompt with the password.
        more = transport.auth_password(username, password.reveal(), fallback=False)
    except paramiko.BadAuthenticationType:
        raise _no_passwords().changed(unsent=False) from None
    except paramiko.AuthenticationException as error:
        # paramiko 5.1 raises the same class on a time-out and when the host hangs up; only this text is a refusal.
        if str(error) == "Authentication failed.":
            return Verdict.REJECTED
        return _unanswered(transport, deadline, shown=shown.is_set())
    except (paramiko.SSHException, OSError, EOFError) as error:
        # Message 60 after a password is PASSWD_CHANGEREQ (RFC 4252 section 8); paramiko reads it as an info request.
        # OpenSSH never sends it: see ``ssh_session``.
        if "Illegal info request" in str(error):
            raise password_expired() from None
        return _unanswered(transport, deadline, shown=shown.is_set())
    if more:
        raise _cannot(
            "second_factor",
            "the host took the password and wants a second factor",
            hint="Let this account in with a password alone from this function's address, or lower "
            "LOCKSTEP_MIN_EVIDENCE.",
        )
    return Verdict.ACCEPTED


def _watch_for_password(transport: paramiko.Transport) -> threading.Event:
    """Return an event that is set when the password is about to be sent: paramiko asks for the login service first."""
    shown, send = threading.Event(), transport._send_message  # type: ignore[attr-defined]  # noqa: SLF001 - paramiko 5.1 has no other sign

    def note(message: paramiko.Message) -> None:
        if message.asbytes()[0] == _USERAUTH_REQUEST:
            shown.set()
        send(message)

    transport._send_message = note  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    return shown


def _unanswered(transport: paramiko.Transport, deadline: float, *, shown: bool) -> Verdict | None:
    """Return ``ACCEPTED`` if a yes came before the connection ended, and ``None`` if nothing came."""
    if not shown:
        code = "no_answer" if time.monotonic() >= deadline else "ssh_protocol"
        raise _unsent(code, "the host ended the login before it saw a password")
    if time.monotonic() >= deadline:
        raise _lost(deadline)
    handler = transport.auth_handler
    if handler is not None and handler.is_authenticated():
        return Verdict.ACCEPTED
    if _EXPIRED.search(banner(transport)):
        raise _cannot(
            "account_expired",
            "the host says that the account has expired",
            hint="Extend the account on the host (`chage -E`), then run the rotation again.",
        )
    return None


def _raise_if_locked(transport: paramiko.Transport, username: str, deadline: float) -> None:
    """After a refusal, ask whether wrong logins have locked the account, where asking counts as no login.

    pam_faillock refuses every password of a locked account with the same answer as a wrong one. By keyboard-interactive
    it says so first, unless it is set to be silent. The prompt that follows is left without an answer.
    """
    if not transport.is_active() or _openssh(transport) < _ASKS_WITHOUT_COUNTING:
        return
    import paramiko

    heard: list[str] = []

    def listen(title: str, text: str, prompts: list[tuple[str, bool]]) -> list[str]:
        heard.extend((title, text, *(prompt for prompt, _ in prompts)))
        transport.close()
        return []

    transport.auth_timeout = _left(deadline)
    with suppress(paramiko.SSHException, OSError, EOFError):
        transport.auth_interactive(username, listen)
    if _LOCKED.search(" ".join(heard)):
        raise AccountLocked(
            "the host says that wrong logins have locked the account",
            hint="Find out who tries passwords on the host (its login log). `faillock --user NAME --reset` unlocks it.",
        )


def _openssh(transport: paramiko.Transport) -> tuple[int, int]:
    match = re.match(r"SSH-2\.0-OpenSSH_(\d{1,3})\.(\d{1,3})", transport.remote_version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


LOGIN = LoginKind(
    port=22,
    pin=host_key_pin,
    probe=lambda time_left, terms: SshProbe(time_left=time_left, terms=terms),
    tested_on="OpenSSH",
)
