"""``lockstep`` in the test's own process."""

from rotation_testkit.processes.command_line import botocore_files, embedded, lockstep

__all__ = ["botocore_files", "embedded", "lockstep"]
