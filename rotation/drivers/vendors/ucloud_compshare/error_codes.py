"""UCloud's return codes: the gateway's (UC-API summary/public.md), CompShare's (compshareerrorcode.md) and UHost's.

That UHost's codes (uhost-api/error_code.md) come through CompShare unchanged is our inference, 2026-11-22.
"""

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    InProgress,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, key_hint, open_after_change

ENDPOINT = "https://api.compshare.cn"

_KEY = key_hint("public_key", "private_key")
_RIGHTS = "Grant DescribeCompShareInstance and ResetCompShareInstancePassword to the key's account."
_FIELDS = "Check region, zone, uhost_id and project_id in the secret."
_CALL = endpoint_hint("ucloud_compshare", ENDPOINT)

TABLE: tuple[ErrorRow, ...] = (
    # The gateway gives up after 60 s while the work may go on behind it.
    *open_after_change("110", "the vendor's gateway timed out"),
    ErrorRow("130", VendorUnavailable, "the vendor's gateway failed"),
    ErrorRow("150", VendorUnavailable, "the service is unavailable"),
    ErrorRow("153", RateLimited, "the vendor throttles"),
    ErrorRow("160", RequestRefused, "the vendor missed the action", _CALL),
    ErrorRow("161", RequestRefused, "the vendor does not know the action", _CALL),
    ErrorRow("170", AdminRejected, "the vendor found no signature", _KEY),
    ErrorRow("171", AdminRejected, "the vendor refused the signature", _KEY),
    ErrorRow("172", AdminRejected, "the vendor does not know the API key", _KEY),
    ErrorRow("174", AdminRejected, "the vendor does not know the security token", _KEY),
    ErrorRow("220", AccountUnusable, "the vendor missed a parameter", f"{_FIELDS} Sub-accounts must name project_id."),
    ErrorRow("230", AccountUnusable, "the vendor refused a parameter", _FIELDS),
    ErrorRow("292", AccountUnusable, "the project does not exist", "Check project_id in the secret."),
    ErrorRow("293", PermissionDenied, "the zone is out of reach for this key", _FIELDS),
    ErrorRow("294", AdminRejected, "the vendor refuses this address", "Add the function's address to the key's list."),
    ErrorRow("295", AdminRejected, "the vendor's security lock refused", "Lift the lock of the key in the console."),
    ErrorRow("299", PermissionDenied, "the key lacks a right", _RIGHTS),
    ErrorRow("226601", AccountUnusable, "the instance is in arrears", "Pay the bill of the instance."),
    ErrorRow("226602", AccountUnusable, "the instance has expired", "Renew the instance."),
    ErrorRow("226603", PreconditionFailed, "the image does not fit the GPU", "Choose another image for the instance."),
    ErrorRow("226604", VendorUnavailable, "the vendor lacks capacity for the instance"),
    ErrorRow("226605", InProgress, "a task on the image is running"),
    ErrorRow("226606", AccountUnusable, "the vendor account lacks real-name verification", "Verify it in the console."),
    # "Service error" says nothing about what was done before it happened.
    *open_after_change("8433", "the service failed", SUPPORT_HINT),
    ErrorRow("8434", InProgress, "a disk is being detached"),
    ErrorRow("8006", OutcomeUnknown, "the vendor's reset failed half-way", on="change"),
    ErrorRow("8006", VendorUnavailable, "a reset of the vendor's failed", SUPPORT_HINT, on="read"),
    ErrorRow("8010", PreconditionFailed, "the instance must be stopped first", "Stop the virtual machine."),
    ErrorRow("8034", InProgress, "a reset of this instance is running"),
    ErrorRow("8035", InProgress, "the instance is being migrated"),
    ErrorRow("8039", AccountUnusable, "the instance was deleted", "Delete the secret or point it at a new instance."),
    ErrorRow("8024", VendorUnavailable, "the vendor asks to try later"),
    ErrorRow("8825", VendorUnavailable, "the vendor asks to try later"),
    ErrorRow("8861", VendorUnavailable, "the vendor asks to try later"),
    ErrorRow("8843", VendorUnavailable, "the instance could not be powered off", SUPPORT_HINT),
    ErrorRow("8844", VendorUnavailable, "the instance could not be started"),
    ErrorRow("8845", PreconditionFailed, "the instance could not be started", SUPPORT_HINT),
    ErrorRow("8897", OutcomeUnknown, "the vendor's reset failed", SUPPORT_HINT, on="change"),
    ErrorRow("8897", VendorUnavailable, "a reset of the vendor's failed", SUPPORT_HINT, on="read"),
    ErrorRow("8898", OutcomeUnknown, "the vendor's reset timed out", on="change"),
    ErrorRow("8898", VendorUnavailable, "a reset of the vendor's timed out", SUPPORT_HINT, on="read"),
    ErrorRow("8905", InProgress, "the instance's power state is changing"),
)
