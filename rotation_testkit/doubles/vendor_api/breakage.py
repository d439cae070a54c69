"""Apply a planned fault to a call, before the vendor acts and after."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply, Vendor
from rotation_testkit.doubles.vendor_api.faults import Fault, FaultKind

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_PAGE = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>"
_LONGEST_HANG = 30.0


def before(vendor: Vendor, call: Call) -> Reply | None:  # noqa: PLR0911 - one return per kind of fault
    """Return the answer of a fault that keeps the vendor from acting, or ``None`` to go on.

    Raises:
        ConnectionAbortedError: the connection is to be closed without an answer.
    """
    fault = call.fault
    if fault is None or not fault.before:
        return None
    match fault.kind:
        case FaultKind.ERROR_BEFORE:
            return _gateway_error(fault, 500)
        case FaultKind.VENDOR_CODE:
            return _vendor_code(vendor, call, fault)
        case FaultKind.THROTTLE:
            return _gateway_error(fault, 429) if "status" in fault.details else vendor.throttle(call)
        case FaultKind.HTML:
            return _page(200, "Maintenance")
        case FaultKind.EMPTY:
            return replace(_page(200, ""), body=b"")
        case FaultKind.REDIRECT:
            status = int(fault.number("status", 302))
            return replace(_page(status, "Moved"), headers=(("Location", fault.text("location")),))
        case FaultKind.HANG:
            _wait(vendor, fault)
    raise ConnectionAbortedError


def after(vendor: Vendor, call: Call, reply: Reply) -> Reply:  # noqa: PLR0911 - one return per kind of fault
    """Return what the client sees of the vendor's answer.

    Raises:
        ConnectionAbortedError: the connection is to be closed without an answer.
    """
    fault = call.fault
    if fault is None:
        return reply
    match fault.kind:
        case FaultKind.DROP_AFTER:
            raise ConnectionAbortedError
        case FaultKind.ERROR_AFTER:
            return _gateway_error(fault, 502)
        case FaultKind.VENDOR_CODE_AFTER:
            return _vendor_code(vendor, call, fault)
        case FaultKind.TRUNCATED:
            return _cut(reply, claimed=fault.flag("claimed"))
        case FaultKind.EMPTY:
            return replace(reply, body=b"")
        case FaultKind.HANG:
            _wait(vendor, fault)
        case FaultKind.LATE:
            return _late(vendor, call, fault, reply)
    return reply


def hang_up(environ: WSGIEnvironment) -> None:
    """Close the client's connection at once; werkzeug's server puts the socket there."""
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):  # the client may have gone first
            connection.shutdown(socket.SHUT_RDWR)


def _late(vendor: Vendor, call: Call, fault: Fault, reply: Reply) -> Reply:
    if fault.flag("drop"):
        raise ConnectionAbortedError
    if "code" in fault.details:
        return _vendor_code(vendor, call, fault)
    return _gateway_error(fault, 502) if "status" in fault.details else reply


def _vendor_code(vendor: Vendor, call: Call, fault: Fault) -> Reply:
    status = int(fault.number("status")) if "status" in fault.details else None
    return vendor.refuse(call, Refused(fault.text("code"), status=status))


def _gateway_error(fault: Fault, default: int) -> Reply:
    return _page(int(fault.number("status", default)), "Error")


def _page(status: int, title: str) -> Reply:
    text = title.encode()
    return Reply(status, _PAGE % (text, text), f"HTTP {status}", "text/html; charset=utf-8")


def _cut(reply: Reply, *, claimed: bool) -> Reply:
    whole = reply.body or b"{}"
    headers = (*reply.headers, ("Content-Length", str(len(whole)))) if claimed else reply.headers
    return replace(reply, body=whole[: len(whole) // 2], headers=headers)


def _wait(vendor: Vendor, fault: Fault) -> None:
    """Wait in real time for the event or the seconds, at most 30 s; a closing simulator ends the wait."""
    if reached := fault.event("reached"):
        reached.set()
    event = fault.event("event")
    left = min(fault.number("seconds", _LONGEST_HANG), _LONGEST_HANG)
    while left > 0 and not vendor.closing.wait(min(left, 0.02)):
        if event and event.is_set():
            return
        left -= 0.02
