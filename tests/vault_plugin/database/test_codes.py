"""Every error of Lockstep has a gRPC status."""

from rotation.core.errors import DriverBug, InProgress, OutcomeUnknown, RotationError, SettingsError
from vault_plugin.database import codes


def test_every_error_has_a_status_and_keeps_its_hint():
    """Each class of the error tree has a gRPC code; the message has code, hint and the time of the next attempt."""
    kinds = [*_subclasses(RotationError)]
    assert len(kinds) > 30
    unavailable = codes.as_grpc(InProgress("still at work", not_before=0.0))
    assert unavailable.status.name == "UNAVAILABLE"
    assert "in_progress: still at work; not before 1970-01-01T00:00:00Z. The next attempt" in str(unavailable.message)
    assert codes.status(OutcomeUnknown("lost")).name == "ABORTED"
    assert codes.status(DriverBug("broken")).name == "INTERNAL"
    assert codes.status(SettingsError("x", ())).name == "INVALID_ARGUMENT"


def _subclasses(kind):
    return [each for direct in kind.__subclasses__() for each in (direct, *_subclasses(direct))]
