"""Why a server cannot be reached: some reasons last until a human corrects a setting, others may pass by themselves.

The libraries wrap the cause several times, so all that an exception refers to is looked at. Its text is never quoted.
Example: requests raises ``SSLError``, over urllib3's ``MaxRetryError``, over ``ssl.SSLCertVerificationError``. The last
one says that the authorities are wrong, which no repetition changes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from rotation.core.proxies import is_loopback

_NO_URL = frozenset({"InvalidURL", "MissingSchema", "InvalidSchema", "LocationParseError", "InvalidProxyURL"})
_NO_TLS = "WRONG_VERSION_NUMBER"
"""OpenSSL's reason where the server answers without TLS."""


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server, and the settings with its address and the file of authorities that sign its certificate."""

    name: str
    address: str
    authorities: str


def lasting(error: BaseException, url: str, server: Server) -> tuple[str, str] | None:
    """Return message and hint of a fault that lasts until a setting is corrected; ``None`` if it may pass by itself."""
    causes = list(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) or _no_authorities(each) for each in causes):
        hint = (
            f"Name the PEM file of its authorities in {server.authorities}, a setting of the deployment; if it is set, "
            "the file is missing, damaged or the wrong one. The certificate may also be expired or of another host."
        )
        return f"the certificate of {server.name} is not signed by an authority that is trusted here", hint
    plain = any(isinstance(each, ssl.SSLError) and each.reason == _NO_TLS for each in causes)
    if plain or any(kind.__name__ in _NO_URL for each in causes for kind in type(each).__mro__):
        return (
            f"the address of {server.name} is not usable",
            f"Correct {server.address}, a setting of the deployment: a whole URL, with https where it speaks TLS.",
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes) and is_loopback(url):
        return (
            f"nothing listens at the address of {server.name} on this machine",
            f"Start it, or correct {server.address}, a setting of the deployment.",
        )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    ahead: list[object] = [error]
    while ahead:
        each = ahead.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        ahead += [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
        ahead += getattr(each, "kwargs", {}).values()  # botocore's


def _no_authorities(error: BaseException) -> bool:
    """Return whether the file of authorities cannot be read; requests says so in a plain ``OSError``."""
    return (
        isinstance(error, FileNotFoundError)
        or (type(error) is OSError and "CA certificate bundle" in str(error))
        or (isinstance(error, ssl.SSLError) and error.reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE"))
    )
