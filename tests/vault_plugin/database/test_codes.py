"""An error of Lockstep becomes a gRPC status with its code and hint."""

from rotation.core.errors import DriverBug, InProgress, OutcomeUnknown, SettingsError
from vault_plugin.database import codes


def test_every_error_has_a_status_and_keeps_its_hint():
    """The class decides the gRPC code; the message has code, hint and the time of the next attempt."""
    unavailable = codes.as_grpc(InProgress("still at work", not_before=0.0))
    assert unavailable.status.name == "UNAVAILABLE"
    assert "in_progress: still at work; not before 1970-01-01T00:00:00Z. The next attempt" in str(unavailable.message)
    assert codes.status(OutcomeUnknown("lost")).name == "ABORTED"
    assert codes.status(DriverBug("broken")).name == "INTERNAL"
    assert codes.status(SettingsError("x", ())).name == "INVALID_ARGUMENT"
