"""Lockstep: rotates passwords behind vendor reset APIs and keeps the secret store in lockstep."""

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.secret import Secret

__all__ = ["RotationError", "Secret", "SecretDocument"]
