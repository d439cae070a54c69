"""The WinRM login probe: tries one password by NTLM or Basic inside TLS, on a host whose certificate is checked.

``LoginTarget.host_key`` may pin the certificate as ``sha256:`` and 64 hexadecimal digits. Then only that certificate is
accepted, and its signer and name do not matter, since most Windows hosts show a self-signed one. Without a pin the
certificate must be valid for the host's name under the usual authorities, or those that ``REQUESTS_CA_BUNDLE`` names.
WinRM without TLS (port 5985) is not supported: nothing there proves the host. Needs the extra ``winrm`` (pypsrp).
"""

from __future__ import annotations

import importlib.util
import re
import ssl
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra, Withheld
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.bounded import AnswerTooLargeError, bound
from rotation.drivers.network.deadline import Watch
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginKind, LoginTerms, login_seconds
from rotation.drivers.network.login_settings import certificate_pin, fingerprint

if TYPE_CHECKING:
    from pypsrp.wsman import WSMan, _TransportHTTP

T = TypeVar("T")

_BODY_LIMIT = 1024 * 1024
_PIN_HINT = "Write it as sha256: and the 64 hexadecimal digits of the certificate's SHA-256 fingerprint."
_HINTS = {
    "certificate_changed": "If the machine was reinstalled or its certificate renewed, store the new fingerprint; "
    "if not, the connection is intercepted.",
    "certificate_not_trusted": "Pin the certificate's fingerprint in the secret, or name its authority's file in "
    "REQUESTS_CA_BUNDLE.",
    "port_closed": "Open the way from this function to the host's WinRM port (routes, security groups, the host's "
    "firewall), and see that WinRM listens there with HTTPS.",
    "no_answer": "See that the host is not overloaded and no firewall between it and this function drops packets.",
    "winrm_protocol": "See that WinRM answers at this address and port, with HTTPS and nothing in between.",
    "winrm_refused": "Look at the host's WinRM service and its event log (quotas, rights of the account).",
}
_REFUSED = 401
# WS-Management 11.1: needs only the right to log in.
_IDENTIFY = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)


class WinRmProbe:
    """Implements ``LoginProbe`` and ``Greets``. A login takes at most ``terms.seconds``, all its answers together.

    ``terms.winrm_basic`` allows Basic where a host offers nothing else. Basic hands the password itself to the host, so
    that anybody who has the host's certificate, or a listener beside it, has the password.
    """

    def __init__(self, *, time_left: Callable[[], float], terms: LoginTerms = DEFAULT_TERMS) -> None:
        self._time_left = time_left
        self._terms = terms

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        if importlib.util.find_spec("pypsrp") is None:
            return _missing()
        if target.host_key and _digits(target.host_key) is None:
            return ConfigError("the certificate's fingerprint is malformed", hint=_PIN_HINT)
        return None

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Try the password once.

        Windows answers an expired password and a locked or disabled account with the same HTTP 401 as a wrong one.

        Returns:
            ``REJECTED`` only for HTTP 401 after the password was presented in a way that the host offers.

        Raises:
            CannotVerify: could not tell. ``vendor_code`` says why: ``certificate_pin``, ``certificate_changed``,
                ``certificate_not_trusted``, ``port_closed``, ``no_answer``, ``winrm_protocol``, ``winrm_refused``,
                ``password_method_not_offered``.
            MissingExtra: pypsrp is not installed.
            NotEnoughTime: nothing was tried.
        """
        return self._asked(target, password, partial(_log_in, basic=self._terms.winrm_basic))

    def greet(self, target: LoginTarget) -> None:
        """See ``Greets``; raises what ``login`` raises before it shows the password."""
        self._asked(target, Secret(""), partial(_offered, basic=self._terms.winrm_basic))

    def _asked(self, target: LoginTarget, password: Secret, ask: Callable[[_TransportHTTP, Any], T]) -> T:
        """Ask on a new session, which follows no redirect and reads no .netrc."""
        pin = _pin(target.host_key)
        seconds = login_seconds(self._time_left, self._terms.seconds)
        transport = _client(target, password, seconds).transport

        def late(error: Exception) -> CannotVerify:
            return _late(_failure(error)) if watch.over else _failure(error)

        # Any exception: three libraries have errors of their own, and these may hold the password.
        with Watch(seconds) as watch, Withheld(Exception, by=late), closing(transport):
            session = _session(transport, pin)
            bound(session, watch, limit=_BODY_LIMIT)
            return ask(transport, session)


def _missing() -> MissingExtra:
    return MissingExtra(
        "a WinRM login needs pypsrp", hint="Install what `make dist` builds; the function: `make build WINRM=1`."
    )


def _cannot(code: str, message: str, *, hint: str | None = None, unsent: bool = False) -> CannotVerify:
    return CannotVerify(message, vendor_code=code, hint=_HINTS.get(code) if hint is None else hint, unsent=unsent)


def _pin(host_key: str | None) -> str | None:
    if not host_key:
        return None
    digits = _digits(host_key)
    if digits is None:
        message = "the pin is no certificate's fingerprint, so the password is not shown to the host"
        raise _cannot("certificate_pin", message, hint=_PIN_HINT, unsent=True)
    return digits


def _digits(host_key: str) -> str | None:
    return None if certificate_pin(host_key) else fingerprint(host_key)


def _client(target: LoginTarget, password: Secret, wait: float) -> WSMan:
    """Make the client; nothing is sent yet."""
    try:
        from pypsrp.wsman import WSMan
    except ImportError:
        raise _missing() from None
    return WSMan(
        target.host,
        port=target.port,
        username=target.username,
        password=password.reveal(),
        ssl=True,
        auth="ntlm",
        no_proxy=True,
        connection_timeout=wait,  # type: ignore[arg-type]  # requests takes fractions
        read_timeout=wait,  # type: ignore[arg-type]  # as above
    )


def _session(transport: _TransportHTTP, pin: str | None) -> Any:  # noqa: ANN401 - only the HTTP door imports requests
    # pypsrp 0.9.1 makes its session at the first request and has no setting for these.
    session = transport.session = transport._build_session()  # noqa: SLF001 - as above
    session.trust_env, session.max_redirects = False, 0
    if pin is not None:
        session.verify = False  # the fingerprint takes the place of the signature and the name
        adapter: Any = session.get_adapter("https://")
        # urllib3's own context would load the system's authorities, which takes 60 ms and is not needed here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        adapter.poolmanager.connection_pool_kw |= {"assert_fingerprint": pin, "ssl_context": context}
    return session


def _log_in(transport: _TransportHTTP, session: Any, *, basic: bool) -> Verdict:  # noqa: ANN401 - as above
    basic = _offered(transport, session, basic=basic) == "basic"
    if basic:
        transport._build_auth_basic(session)  # noqa: SLF001 - pypsrp chooses once, before it knows the offer
    with Withheld(Exception, by=_failure_after_password):
        return _judge(transport, session.auth, basic=basic)


def _offered(transport: _TransportHTTP, session: Any, *, basic: bool) -> str:  # noqa: ANN401 - as above
    """Ask without a password which methods the host offers, and choose one."""
    waits = (transport.connection_timeout, transport.read_timeout)
    reply = session.post(transport.endpoint, data=b"", auth=lambda request: request, timeout=waits)
    if reply.status_code != _REFUSED:
        raise _cannot("winrm_protocol", f"the host asks for no login (HTTP {reply.status_code})", unsent=True)
    offer = {word.lower() for word in re.findall(r"(?:^|,)\s*([A-Za-z]+)", reply.headers.get("www-authenticate", ""))}
    if offer & {"negotiate", "ntlm"}:
        return "ntlm"
    if basic and "basic" in offer:
        return "basic"
    if "basic" in offer:
        raise _cannot(
            "password_method_not_offered",
            "the host takes passwords by Basic alone, which this deployment does not allow",
            hint="Allow Negotiate in the host's WinRM service (the default of Windows), or set LOCKSTEP_WINRM_BASIC.",
            unsent=True,
        )
    raise _cannot(
        "password_method_not_offered",
        "the host takes passwords neither by Negotiate nor by Basic",
        hint="Allow one of them in the host's WinRM service, or lower the minimum evidence.",
        unsent=True,
    )


def _judge(transport: _TransportHTTP, auth: Any, *, basic: bool) -> Verdict:  # noqa: ANN401 - as above
    from pypsrp.exceptions import AuthenticationError, WinRMTransportError

    try:
        answer = transport.send(_IDENTIFY)
    except AuthenticationError:
        # pypsrp raises the same when NTLM ended before the password was used.
        if basic or (auth.contexts and all(context.complete for context in auth.contexts.values())):
            return Verdict.REJECTED
        message = "the host broke the login off before it saw a password"
        raise _cannot("winrm_protocol", message, unsent=True) from None
    except WinRMTransportError as error:
        raise _cannot("winrm_refused", f"the host answered the login with HTTP {error.code}") from None
    if b"IdentifyResponse" not in answer:
        raise _cannot("winrm_protocol", "the host's answer is none of WS-Management")
    return Verdict.ACCEPTED


def _failure_after_password(error: Exception) -> CannotVerify:
    """Return the error for a host that got a password: it may have counted a wrong login."""
    return error if isinstance(error, CannotVerify) else _failure(error).changed(unsent=False, definite=False)


def _late(failure: CannotVerify) -> CannotVerify:
    """Return the error for a login whose time ended, which each library words in its own way."""
    if failure.vendor_code not in ("winrm_protocol", "no_answer"):
        return failure
    error = _cannot("no_answer", "the host did not answer in time", unsent=failure.unsent)
    return error.changed(definite=failure.definite)


def _failure(error: Exception) -> CannotVerify:
    """Return why the host was not asked, as far as the libraries' errors show it."""
    from urllib3 import exceptions

    if isinstance(error, CannotVerify):
        return error
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    code, message = "winrm_protocol", "the host ended the login without an answer"
    if isinstance(reason, exceptions.SSLError):
        detail = reason.args[0] if reason.args else None
        if "ingerprint" in str(detail):
            code, message = "certificate_changed", "the host shows another certificate than the one pinned for it"
        elif isinstance(detail, ssl.SSLCertVerificationError):
            code = "certificate_not_trusted"
            message = "the host's certificate is not trusted, so the password was not sent"
    elif isinstance(reason, exceptions.NewConnectionError):
        code, message = "port_closed", "the host's WinRM port cannot be reached"
    elif isinstance(error, AnswerTooLargeError):
        message = "the host's answer is larger than one MiB"
    elif isinstance(reason, exceptions.TimeoutError) or isinstance(error, TimeoutError):
        code, message = "no_answer", "the host did not answer in time"
    return _cannot(code, message, unsent=True)


LOGIN = LoginKind(
    port=5986,
    pin=certificate_pin,
    probe=lambda time_left, terms: WinRmProbe(time_left=time_left, terms=terms),
)
