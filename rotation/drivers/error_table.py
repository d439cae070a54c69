"""Reads a driver's error table: a vendor's code in, a typed error with a hint out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rotation.core.errors import DriverError


def listed(
    table: Iterable[ErrorRow],
    vendor_code: str,
    *,
    on: str,
    request_id: str | None,
    not_before: float | None = None,
) -> DriverError | None:
    """Return the error for a code, or ``None`` when the table lacks it.

    Args:
        table: the driver's rows; a row for this kind of call wins over one for ``any``.
        vendor_code: the code as the table writes it.
        on: ``change``, ``login`` or ``read``.
        request_id: the vendor's request id.
        not_before: epoch seconds before which another attempt is pointless.
    """
    rows = {row.on: row for row in table if row.vendor_code == vendor_code}
    row = rows.get(on) or rows.get("any")
    if row is None:
        return None
    return row.error(
        f"{row.meaning} ({vendor_code})",
        hint=row.hint or None,
        vendor_code=vendor_code,
        request_id=request_id,
        not_before=not_before,
    )


def shown(vendor_code: object) -> str | None:
    """Return a code that no table knows if it looks like a code; anything else could hold a value."""
    text = str(vendor_code)
    return text if re.fullmatch(r"[A-Za-z0-9._-]{1,40}", text) else None


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One vendor code: the error class it becomes and what the operator should do.

    Attributes:
        vendor_code: the code as the vendor sends it (a number's text where it is a number).
        error: class raised for it.
        meaning: one plain sentence.
        hint: the next step for a human.
        on: which calls it concerns: ``any``, ``change``, ``login`` or ``read``.
    """

    vendor_code: str
    error: type[DriverError]
    meaning: str
    hint: str = ""
    on: str = "any"
