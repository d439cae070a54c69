"""Lockstep: rotates passwords behind vendor reset APIs and keeps the secret store in lockstep."""

from rotation.errors import RotationError
from rotation.secret import Secret, SecretDocument

__all__ = ["RotationError", "Secret", "SecretDocument"]
