"""CompShare's return codes (compshareerrorcode.md), after those that UCloud's machine products share.

That UHost's codes (uhost-api/error_code.md) come through CompShare unchanged is our inference, 2026-11-22.
"""

from rotation.core.errors import AccountUnusable, InProgress, PreconditionFailed, VendorUnavailable
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, open_after_change
from rotation.drivers.families.ucloud_machines.codes import MACHINE_ROWS, gateway_rows

ENDPOINT = "https://api.compshare.cn"
NOUN = "CompShareInstance"

TABLE: tuple[ErrorRow, ...] = (
    *gateway_rows("ucloud_compshare", ENDPOINT, NOUN),
    *MACHINE_ROWS,
    ErrorRow("226601", AccountUnusable, "the instance is in arrears", "Pay the bill of the instance."),
    ErrorRow("226602", AccountUnusable, "the instance has expired", "Renew the instance."),
    ErrorRow("226603", PreconditionFailed, "the image does not fit the GPU", "Choose another image for the instance."),
    ErrorRow("226604", VendorUnavailable, "the vendor lacks capacity for the instance"),
    ErrorRow("226605", InProgress, "a task on the image is running"),
    ErrorRow("226606", AccountUnusable, "the vendor account lacks real-name verification", "Verify it in the console."),
    # "Service error" says nothing about what was done before it happened.
    *open_after_change("8433", "the service failed", SUPPORT_HINT),
    ErrorRow("8434", InProgress, "a disk is being detached"),
)
