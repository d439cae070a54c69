"""Signing and transport that UCloud's products share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from urllib.parse import urlencode

from rotation.core.errors import OutcomeUnknown, PasswordRejected, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.error_table import ErrorRow, listed, shown
from rotation.drivers.network.http_messages import Http, HttpReply, HttpRequest, check_status, json_object

BAD_PARAMETER = 230
"""Which parameter it is stands in the message alone. No document names a code for a weak password; this is likely."""
REQUEST_ID_HEADER = "x-ucloud-request-uuid"


def flatten(params: Mapping[str, object]) -> dict[str, str]:
    """Return parameters as UCloud sends them: ``Ids.0``, ``A.B``, ``true``, whole floats as integers, no ``None``."""
    return dict(_flat(params))


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{index}")
    elif value is not None:
        yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Never in exponent notation: the signature covers the text that is sent.
        return f"{value:.0f}" if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value)


def signature(params: Mapping[str, str], private_key: Secret) -> str:
    """Return UCloud's signature: hex of plain SHA-1 over the sorted ``key + value`` pairs and the private key.

    No time and no nonce is covered, so a captured form stays valid until the key is revoked.
    """
    text = "".join(name + params[name] for name in sorted(params) if name != "Signature")
    return hashlib.sha1((text + private_key.reveal()).encode()).hexdigest()  # noqa: S324 - the vendor's algorithm


def call(  # noqa: PLR0913 - one vendor call has that many facts, all named
    http: Http,
    endpoint: str,
    action: str,
    params: Mapping[str, object],
    *,
    public_key: str,
    private_key: Secret,
    table: Iterable[ErrorRow],
    changes: bool,
) -> dict[str, object]:
    """Make one signed call, as a POST form since a query would put the password into logs, and return the answer.

    Raises:
        DriverError: the table's error for the code; ``OutcomeUnknown`` or ``UnexpectedReply`` for what it lacks.
    """
    form = flatten({**params, "Action": action, "PublicKey": public_key})
    form["Signature"] = signature(form, private_key)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = HttpRequest(
        method="POST", url=f"{endpoint.rstrip('/')}/", headers=headers, body=urlencode(form).encode(), changes=changes
    )
    return _answer(http.send(request), table, changes=changes)


def _answer(reply: HttpReply, table: Iterable[ErrorRow], *, changes: bool) -> dict[str, object]:
    check_status(reply, changes=changes)  # UCloud refuses with 200 and a RetCode; all else is a gateway or a proxy
    answer = json_object(reply, changes=changes)
    code = answer.get("RetCode")
    if not isinstance(code, int) or isinstance(code, bool):
        kind = OutcomeUnknown if changes else UnexpectedReply
        raise kind("the vendor's answer has no RetCode", request_id=reply.request_id)
    if code == 0:
        return answer
    error = listed(table, str(code), on="change" if changes else "read", request_id=reply.request_id)
    if code == BAD_PARAMETER and changes and "Password" in str(answer.get("Message")):
        error = PasswordRejected("the vendor refused the password", vendor_code="230", request_id=reply.request_id)
    if error is None:
        message = f"the vendor refused with a code we do not know ({code})"
        error = UnexpectedReply(message, vendor_code=shown(code), request_id=reply.request_id)
    raise error
