"""Lockstep: rotates passwords behind vendor reset APIs and keeps the secret store in lockstep."""

from rotation.core.errors import RotationError
from rotation.core.secret import Secret, SecretDocument

__all__ = ["RotationError", "Secret", "SecretDocument"]
