"""Does this password open this account over WinRM? NTLM or Basic inside TLS, the host's certificate checked.

``LoginTarget.host_key`` may pin the certificate as ``sha256:`` and 64 hexadecimal digits. Then that certificate and no
other is taken, whoever signed it and whatever name it bears, since Windows hosts mostly show a self-made one. Without a
pin the certificate must be valid for the host's name under the usual authorities, or those that ``REQUESTS_CA_BUNDLE``
names. WinRM without TLS (port 5985) is not spoken: nothing there proves the host. Needs the extra ``winrm`` (pypsrp).
"""

from __future__ import annotations

import importlib.util
import re
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rotation.errors import CannotVerify, ConfigError, MissingExtra, NotEnoughTime
from rotation.model import LoginTarget, Verdict
from rotation.secret import Secret
from rotation.settings import PINS

if TYPE_CHECKING:
    from pypsrp.wsman import WSMan, _TransportHTTP

RESERVE_SECONDS = 1.0
LEAST_SECONDS = 2.0
MOST_SECONDS = 20.0
_WAITS = 5
"""The most answers that one login waits for: the offer, NTLM's three, and the one to Identify."""
_PIN_HINT = "Write it as sha256: and the 64 hexadecimal digits of the certificate's SHA-256 fingerprint."
_REFUSED, _OK = 401, 200
# WS-Management 11.1: needs no right but that to log in.
_IDENTIFY = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)


class WinRmProbe:
    """Implements ``ports.LoginProbe``.

    Args:
        time_left: seconds until the process may be stopped.
        most_seconds: the longest one login may wait for answers, all in all.
    """

    def __init__(self, *, time_left: Callable[[], float], most_seconds: float = MOST_SECONDS) -> None:
        self._time_left = time_left
        self._most_seconds = most_seconds

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``ports.LoginProbe``."""
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
        pin = _pin(target.host_key)
        seconds = min(self._most_seconds, self._time_left() - RESERVE_SECONDS)
        if seconds < min(LEAST_SECONDS, self._most_seconds):
            raise NotEnoughTime("too little time is left to try a login")
        wsman = _client(target, password, seconds / _WAITS)
        try:
            return _attempt(wsman, pin)
        except CannotVerify:
            raise
        except Exception as error:  # noqa: BLE001 - three libraries, each with errors of its own
            code, message = _why(error, pinned=pin is not None)
        finally:
            wsman.transport.close()
        raise _cannot(code, message)  # out of the handler: the libraries' errors may hold the password


def _missing() -> MissingExtra:
    return MissingExtra("a WinRM login needs pypsrp", hint="Install lockstep-rotation[winrm], or build with WINRM=1.")


def _cannot(code: str, message: str, *, hint: str = "") -> CannotVerify:
    return CannotVerify(message, vendor_code=code, hint=hint or None)


def _pin(host_key: str | None) -> str | None:
    if not host_key:
        return None
    digits = _digits(host_key)
    if digits is None:
        message = "the pin is no certificate's fingerprint, so the password is not shown to the host"
        raise _cannot("certificate_pin", message, hint=_PIN_HINT)
    return digits


def _digits(host_key: str) -> str | None:
    return None if PINS["winrm"](host_key) else host_key.removeprefix("sha256:").replace(":", "")


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


def _attempt(wsman: WSMan, pin: str | None) -> Verdict:
    """Log in once. No redirect is followed, no .netrc is read."""
    # pypsrp 0.9.1 makes its session at the first request and has no setting for these.
    transport = wsman.transport
    session = transport.session = transport._build_session()  # noqa: SLF001 - as above
    session.trust_env, session.max_redirects = False, 0
    if pin is not None:
        session.verify = False  # the fingerprint takes the place of the signature and the name
        adapter: Any = session.get_adapter("https://")
        adapter.poolmanager.connection_pool_kw["assert_fingerprint"] = pin
    basic = _offered(transport, session) == "basic"
    if basic:
        transport._build_auth_basic(session)  # noqa: SLF001 - pypsrp chooses once, before it knows the offer
    return _judge(transport, session.auth, basic=basic)


def _offered(transport: _TransportHTTP, session: Any) -> str:  # noqa: ANN401 - only the HTTP door imports requests
    """Ask without a password what the host takes, and choose."""
    waits = (transport.connection_timeout, transport.read_timeout)
    reply = session.post(transport.endpoint, data=b"", auth=lambda request: request, timeout=waits)
    if reply.status_code != _REFUSED:
        raise _cannot("winrm_protocol", f"the host asks for no login (HTTP {reply.status_code})")
    offer = {word.lower() for word in re.findall(r"(?:^|,)\s*([A-Za-z]+)", reply.headers.get("www-authenticate", ""))}
    if offer & {"negotiate", "ntlm"}:
        return "ntlm"
    if "basic" in offer:
        return "basic"
    raise _cannot(
        "password_method_not_offered",
        "the host takes passwords neither by Negotiate nor by Basic",
        hint="Allow one of them in the host's WinRM service, or lower the minimum evidence.",
    )


def _judge(transport: _TransportHTTP, auth: Any, *, basic: bool) -> Verdict:  # noqa: ANN401 - as above
    from pypsrp.exceptions import AuthenticationError, WinRMTransportError

    try:
        answer = transport.send(_IDENTIFY)
    except AuthenticationError:
        # pypsrp says the same when NTLM broke off before the password was used.
        if basic or _presented(auth.contexts):
            return Verdict.REJECTED
        raise _cannot("winrm_protocol", "the host broke the login off before it saw a password") from None
    except WinRMTransportError as error:
        raise _cannot("winrm_refused", f"the host answered the login with HTTP {error.code}") from None
    if b"IdentifyResponse" not in answer:
        raise _cannot("winrm_protocol", "the host's answer is none of WS-Management")
    return Verdict.ACCEPTED


def _presented(contexts: dict[str, Any]) -> bool:
    return bool(contexts) and all(context.complete for context in contexts.values())


def _why(error: Exception, *, pinned: bool) -> tuple[str, str]:
    from urllib3 import exceptions

    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    if isinstance(reason, exceptions.SSLError):
        detail = reason.args[0] if reason.args else None
        if pinned and "ingerprint" in str(detail):
            return "certificate_changed", "the host shows another certificate than the one pinned for it"
        if isinstance(detail, ssl.SSLCertVerificationError):
            return "certificate_not_trusted", "the host's certificate is not trusted, so the password was not sent"
    if isinstance(reason, exceptions.NewConnectionError):
        return "port_closed", "the host's WinRM port cannot be reached"
    if isinstance(reason, exceptions.TimeoutError):
        return "no_answer", "the host did not answer in time"
    return "winrm_protocol", "the host ended the login without an answer"
