"""A driver's error table: a vendor's code in, a typed error with a hint out.

Example: a table has the row ``ErrorRow("8034", InProgress, "a reset of this instance is running")``. Then ``error_for``
returns ``InProgress("a reset of this instance is running (8034)")`` for the code ``8034``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rotation.core.errors import DriverError, OutcomeUnknown, VendorUnavailable

SUPPORT_HINT = "Open a ticket with the vendor and name the request id."


def key_hint(*names: str) -> str:
    """Return the hint for a refused API key, given the names of its settings."""
    return f"Check {' and '.join(names)} of the admin credential."


def endpoint_hint(driver: str, endpoint: str) -> str:
    """Return the hint for a call that the vendor does not know, given the driver's code and its default endpoint."""
    return (
        f"LOCKSTEP_{driver.upper()}_ENDPOINT should be {endpoint}. If it is, the vendor changed its API: take a newer "
        "release of Lockstep, or report it with the vendor's code."
    )


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One vendor code: the error class it becomes and what the operator should do.

    Attributes:
        vendor_code: the code as the vendor sends it (a number's text where it is a number).
        hint: the next step for a human.
        on: which calls it concerns: ``any``, ``change``, ``login`` or ``read``.
    """

    vendor_code: str
    error: type[DriverError]
    meaning: str
    hint: str = ""
    on: str = "any"


def open_after_change(vendor_code: str, meaning: str, hint: str = "") -> tuple[ErrorRow, ErrorRow]:
    """Return the rows for a failure inside the vendor: a change may have been made, and a read can be repeated."""
    return (
        ErrorRow(vendor_code, OutcomeUnknown, meaning, hint, on="change"),
        ErrorRow(vendor_code, VendorUnavailable, meaning, hint, on="read"),
    )


def error_for(table: Iterable[ErrorRow], vendor_code: str, *, on: str, request_id: str | None) -> DriverError | None:
    """Return the error for a code in answer to a ``change``, ``login`` or ``read``; ``None`` when the table lacks it.

    A row for this kind of call wins over one for ``any``.
    """
    rows = {row.on: row for row in table if row.vendor_code == vendor_code}
    row = rows.get(on) or rows.get("any")
    if row is None:
        return None
    message = f"{row.meaning} ({vendor_code})"
    return row.error(message, hint=row.hint or None, vendor_code=vendor_code, request_id=request_id)


def printable_code(vendor_code: object) -> str | None:
    """Return a code that no table knows if it looks like a code; anything else could hold a secret value."""
    text = str(vendor_code)
    return text if re.fullmatch(r"[A-Za-z0-9._-]{1,40}", text) else None
