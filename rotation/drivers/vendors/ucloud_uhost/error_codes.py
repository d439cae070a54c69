"""UHost's return codes (uhost-api/error_code.md, read 2026-11-30), after those that UCloud's machine products share.

The page has more: codes for creating, deleting, resizing and reinstalling, for images, disks, snapshots and prices. No
call of the driver can be answered with those. No document names a code for a weak password or a missing instance.
"""

from rotation.core.errors import AccountUnusable, InProgress, PermissionDenied, PreconditionFailed, VendorUnavailable
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, open_after_change
from rotation.drivers.families.ucloud_machines.codes import FIELDS, MACHINE_ROWS, gateway_rows

ENDPOINT = "https://api.ucloud.cn"
NOUN = "UHostInstance"

_BILL = "Pay the vendor's bill for the instance."
_DISKS = "Look at the disks of the instance in the console."
_RIGHTS = "Let the key's account operate on this instance."


def _failed(*vendor_codes: str) -> list[ErrorRow]:
    """Return the rows of "operation failed, ask support", which says nothing about what was done before."""
    return [row for code in vendor_codes for row in open_after_change(code, "the operation failed", SUPPORT_HINT)]


def _unread(*vendor_codes: str) -> list[ErrorRow]:
    return [ErrorRow(code, VendorUnavailable, "the vendor could not look the instance up") for code in vendor_codes]


TABLE: tuple[ErrorRow, ...] = (
    *gateway_rows("ucloud_uhost", ENDPOINT, NOUN),
    *MACHINE_ROWS,
    *_failed("8824", "8860", "8903"),
    *_unread("8025", "8031", "8041", "8826", "8828", "8829", "8857", "8881"),
    *_unread("8834", "8835", "8853", "8858", "8880", "8884"),
    ErrorRow("8029", AccountUnusable, "the vendor takes no list here", FIELDS),
    ErrorRow("8097", AccountUnusable, "the vendor's billing has wrong data", SUPPORT_HINT),
    ErrorRow("8104", AccountUnusable, "an order is in arrears", _BILL),
    ErrorRow("8108", VendorUnavailable, "the vendor's billing did not answer"),
    ErrorRow("8116", PermissionDenied, "the vendor account may not use hourly billing", SUPPORT_HINT),
    ErrorRow("8117", AccountUnusable, "the instance's bill has expired", "Renew the instance."),
    ErrorRow("8223", VendorUnavailable, "the vendor could not make a post-paid bill"),
    ErrorRow("8226", AccountUnusable, "the vendor account lacks real-name verification", "Verify it in the console."),
    ErrorRow("8300", PermissionDenied, "the user refuses the operation on this instance", _RIGHTS),
    ErrorRow("8906", PreconditionFailed, "the instance's disks are in disorder", _DISKS),
    ErrorRow("8918", InProgress, "an order for the instance is open"),
    ErrorRow("8919", AccountUnusable, "an order is unpaid", _BILL),
    ErrorRow("8980", InProgress, "the vendor asks to wait 30 seconds"),
)
