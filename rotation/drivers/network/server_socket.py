"""A connection to a database server, proved before a password goes over it, and with one end for all that follows.

The server must show a certificate that is pinned, or that an authority vouches for. Without TLS a connection is made to
this machine alone, or to a host that the deployment lists, and never where a certificate is pinned. Example: a target
on 10.0.0.7 without a pin, and ``ca_file`` names the vendor's authority: the certificate must be signed by it and be
valid for 10.0.0.7, or nothing is sent. All answers together have at most ``_MOST_BYTES``.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rotation.core.errors import CannotVerify, ConfigError, RotationError, Withheld
from rotation.core.values import LoginTarget
from rotation.drivers.network.connect import connect
from rotation.drivers.network.deadline import Watch
from rotation.drivers.network.login_probe import LoginTerms, login_seconds
from rotation.drivers.network.login_settings import certificate_pin, fingerprint

_MOST_BYTES = 1024 * 1024
"""Of all answers to one login; clients keep an answer in memory, however long it is."""
_HINTS = {
    "certificate_changed": "If the server's certificate was renewed, store the new fingerprint; if not, the connection "
    "is intercepted.",
    "certificate_not_trusted": "Pin the certificate's fingerprint in the secret, or name the file of its authority in "
    "LOCKSTEP_LOGIN_CA_FILE.",
    "port_closed": "Open the way from this function to the server's port (routes, security groups, allow-lists), and "
    "see that the server runs.",
    "no_answer": "See that the server is not overloaded and no firewall between it and this function drops packets.",
    "tls_not_offered": "Switch TLS on at the server. Only if the way to it is protected otherwise, list its host in "
    "LOCKSTEP_LOGIN_PLAIN_HOSTS.",
    "protocol": "See that a server of this kind answers at this address and port, with nothing in between.",
}


def cannot(code: str, message: str, *, hint: str | None = None, unsent: bool = False) -> CannotVerify:
    """Return the error for a login that does not show whether the password is right."""
    return CannotVerify(message, vendor_code=code, hint=_HINTS.get(code) if hint is None else hint, unsent=unsent)


def unready(target: LoginTarget, terms: LoginTerms) -> ConfigError | None:
    """Return why no connection to this target can be proved, or ``None``."""
    if target.host_key and certificate_pin(target.host_key):
        return ConfigError("the pinned certificate's fingerprint is malformed", hint=certificate_pin(target.host_key))
    if not is_plain(target, terms) and not target.host_key and terms.ca_file is not None:
        try:
            ssl.create_default_context(cafile=terms.ca_file)
        except (OSError, ssl.SSLError):
            return ConfigError("the file of LOCKSTEP_LOGIN_CA_FILE cannot be read, or holds no certificate")
    return None


def is_plain(target: LoginTarget, terms: LoginTerms) -> bool:
    """Return whether the login goes without TLS: to a listed host, or on this machine where nothing else is asked."""
    if target.host_key:
        return False
    return target.host in terms.plain or (terms.ca_file is None and _is_loopback(target.host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class _Pinned(ssl.SSLContext):
    """Accepts one certificate, by its fingerprint; its signer and its name do not matter."""

    digest = ""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:  # noqa: ANN401 - the library's own arguments
        wrapped = super().wrap_socket(*args, **kwargs)
        shown = wrapped.getpeercert(binary_form=True) or b""
        if hashlib.sha256(shown).hexdigest() != self.digest:
            wrapped.close()
            message = "the server shows another certificate than the one pinned for it, so the password was not sent"
            raise cannot("certificate_changed", message, unsent=True)
        return wrapped


def tls(target: LoginTarget, terms: LoginTerms) -> ssl.SSLContext | None:
    """Return the TLS settings that prove this server, ``None`` for a login without TLS."""
    if is_plain(target, terms):
        return None
    if not target.host_key:
        context = ssl.create_default_context(cafile=terms.ca_file)
    else:
        # The usual context would load the system's authorities, which takes 60 ms and is not needed here.
        context = pinned = _Pinned(ssl.PROTOCOL_TLS_CLIENT)
        pinned.check_hostname, pinned.verify_mode = False, ssl.CERT_NONE
        pinned.digest = fingerprint(target.host_key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def connected(target: LoginTarget, terms: LoginTerms, time_left: Callable[[], float]) -> Iterator[Login]:
    """Connect, and close at the end; whatever is not a typed error becomes one, without the texts of libraries.

    Raises:
        CannotVerify: ``port_closed``, ``no_answer``, ``certificate_changed``, ``certificate_not_trusted``,
            ``protocol``.
        NotEnoughTime: nothing was tried.
    """
    seconds = login_seconds(time_left, terms.seconds)
    context = tls(target, terms)
    with Watch(seconds) as watch:
        try:
            sock = connect(target.host, target.port, lambda: watch.left)
        except TimeoutError:
            raise cannot("no_answer", "the server did not answer in time", unsent=True) from None
        except OSError:
            raise cannot("port_closed", "the server's port cannot be reached", unsent=True) from None
        login = Login(sock, context, target.host, watch)
        with Withheld(Exception, by=login.failure):
            watch.attend(sock)
            try:
                yield login
            finally:
                login.socket.close()


class Login:
    """One connection, on which at most one password is shown.

    Attributes:
        socket: connected; after ``encrypt`` the encrypted one.
        context: the TLS settings, ``None`` for none.
        host: the name that the certificate must have, unless it is pinned.
        watch: the end of everything.
        shown: whether the password may have left this machine.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None, host: str, watch: Watch) -> None:
        self.socket, self.context, self.host, self.watch = sock, context, host, watch
        self.shown = False
        self._taken = 0

    @property
    def seconds(self) -> float:
        """The seconds until the end; never zero, which some clients take for no limit."""
        return max(self.watch.left, 0.001)

    def floods(self, count: int) -> bool:
        """Count bytes that the server sends; return whether they are more than any login needs."""
        self._taken += count
        return self._taken > _MOST_BYTES

    def take(self, count: int) -> None:
        """Count bytes that the server sends.

        Raises:
            CannotVerify: they are more than any login needs.
        """
        if self.floods(count):
            raise cannot("protocol", "the server's answer has no end", unsent=not self.shown)

    def encrypt(self) -> None:
        """Begin TLS, unless the login goes without."""
        if self.context is not None:
            self.socket.settimeout(self.seconds)
            self.socket = self.context.wrap_socket(self.socket, server_hostname=self.host)

    def failure(self, error: Exception) -> RotationError:
        """Return the typed error for anything that went wrong on the connection."""
        if isinstance(error, RotationError):
            return error
        for each in _causes(error):
            if isinstance(each, RotationError):
                return each
            if isinstance(each, ssl.SSLCertVerificationError):
                message = "the server's certificate is not trusted, so the password was not sent"
                return cannot("certificate_not_trusted", message, unsent=True)
        if self.watch.over or any(isinstance(each, TimeoutError) for each in _causes(error)):
            failure = cannot("no_answer", "the server did not answer in time", unsent=not self.shown)
        else:
            failure = cannot("protocol", "the server ended the login without an answer", unsent=not self.shown)
        return failure.changed(definite=False) if self.shown else failure


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those behind it; PyMySQL keeps the first one in an attribute."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        seen = getattr(seen, "original_exception", None) or seen.__cause__ or seen.__context__
