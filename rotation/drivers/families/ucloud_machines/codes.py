"""Return codes of UCloud's gateway (UC-API summary/public.md) and of its machines (uhost-api/error_code.md)."""

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

FIELDS = "Check region, zone, uhost_id and project_id in the secret."
_KEY = key_hint("public_key", "private_key")


def gateway_rows(driver: str, endpoint: str, noun: str) -> tuple[ErrorRow, ...]:
    """Return the gateway's rows for a driver; ``noun`` is what its actions are named after, as ``UHostInstance``."""
    call = endpoint_hint(driver, endpoint)
    rights = f"Grant Describe{noun}, Reset{noun}Password, Stop{noun} and Start{noun} to the key's account."
    project = f"{FIELDS} Sub-accounts must name project_id."
    address = "Add the function's address to the key's list."
    return (
        # The gateway gives up after 60 s while the work may continue behind it.
        *open_after_change("110", "the vendor's gateway timed out"),
        ErrorRow("130", VendorUnavailable, "the vendor's gateway failed"),
        ErrorRow("150", VendorUnavailable, "the service is unavailable"),
        ErrorRow("153", RateLimited, "the vendor throttles"),
        ErrorRow("160", RequestRefused, "the vendor missed the action", call),
        ErrorRow("161", RequestRefused, "the vendor does not know the action", call),
        ErrorRow("170", AdminRejected, "the vendor found no signature", _KEY),
        ErrorRow("171", AdminRejected, "the vendor refused the signature", _KEY),
        ErrorRow("172", AdminRejected, "the vendor does not know the API key", _KEY),
        ErrorRow("174", AdminRejected, "the vendor does not know the security token", _KEY),
        ErrorRow("220", AccountUnusable, "the vendor missed a parameter", project),
        ErrorRow("230", AccountUnusable, "the vendor refused a parameter", FIELDS),
        ErrorRow("292", AccountUnusable, "the project does not exist", "Check project_id in the secret."),
        ErrorRow("293", PermissionDenied, "the zone is out of reach for this key", FIELDS),
        ErrorRow("294", AdminRejected, "the vendor refuses this address", address),
        ErrorRow(
            "295", AdminRejected, "the vendor's security lock refused", "Lift the lock of the key in the console."
        ),
        ErrorRow("299", PermissionDenied, "the key lacks a right", rights),
    )


MACHINE_ROWS: tuple[ErrorRow, ...] = (
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
