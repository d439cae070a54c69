"""Signing and transport of Tencent's v2 APIs (``/v2/index.php``).

Sources: the vendor's pages on signatures and public parameters (2018-12), qcloudapi-sdk-python 2.0.15.
Always a POST form: a query would put the password into the logs of every proxy.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from rotation.core.errors import OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.error_table import ErrorRow, listed, shown
from rotation.drivers.network.http_messages import Http, HttpReply, HttpRequest, check_status, json_object

PATH = "/v2/index.php"
DIGESTS: Mapping[str, str] = {"HmacSHA1": "sha1", "HmacSHA256": "sha256"}
LARGEST_NONCE = 2**63 - 1  # what the vendor's SDK draws from on 64-bit hosts


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and the digest that it signs with, one of ``DIGESTS``."""

    secret_id: str
    secret_key: Secret
    digest: str = "HmacSHA256"


def signature(method: str, host: str, params: Mapping[str, str], key: Key) -> str:
    """Return the Base64 signature over the sorted raw parameters; an underscore in a name counts as a dot."""
    pairs = sorted((name.replace("_", "."), value) for name, value in params.items())
    text = f"{method}{host}{PATH}?" + "&".join(f"{name}={value}" for name, value in pairs)
    return base64.b64encode(hmac.digest(key.secret_key.reveal().encode(), text.encode(), DIGESTS[key.digest])).decode()


def call(  # noqa: PLR0913 - one vendor call has that many facts, all named
    http: Http,
    endpoint: str,
    action: str,
    params: Mapping[str, str],
    *,
    key: Key,
    table: Iterable[ErrorRow],
    now: float,
    changes: bool,
) -> object:
    """Make one signed call and return the ``data`` of its answer.

    No value may start with ``@``: the vendor's SDK leaves such values out of the signature, and what the server does
    with them is documented nowhere.

    Raises:
        DriverError: the table's error for the code; ``OutcomeUnknown`` or ``UnexpectedReply`` for what it lacks.
    """
    form = {
        **params,
        "Action": action,
        "Nonce": str(secrets.randbelow(LARGEST_NONCE) + 1),
        "SecretId": key.secret_id,
        "SignatureMethod": key.digest,
        "Timestamp": str(int(now)),
    }
    form["Signature"] = signature("POST", urlsplit(endpoint).netloc, form, key)
    request = HttpRequest(
        method="POST",
        url=endpoint.rstrip("/") + PATH,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        changes=changes,
    )
    return _data(http.send(request), table, changes=changes)


def _data(reply: HttpReply, table: Iterable[ErrorRow], *, changes: bool) -> object:
    check_status(reply, changes=changes)  # the vendor refuses with 200 and a code; all else is a gateway or a proxy
    answer = json_object(reply, changes=changes)
    code = answer.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        kind = OutcomeUnknown if changes else UnexpectedReply
        raise kind("the vendor's answer has no code", request_id=reply.request_id)
    if code == 0:
        return answer.get("data")
    error = listed(table, str(code), on="change" if changes else "read", request_id=reply.request_id)
    if error is None:
        message = f"the vendor refused with a code we do not know ({code})"
        error = UnexpectedReply(message, vendor_code=shown(code), request_id=reply.request_id)
    raise error
