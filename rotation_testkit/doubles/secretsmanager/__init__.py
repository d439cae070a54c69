"""A strict, stateful AWS Secrets Manager: the service's documented rules, its rotations, and faults on demand.

``SecretsManager`` serves the AWS JSON protocol to unmodified clients. Not built: replication, resource policies,
managed rotation and external secrets, ``BatchGetSecretValue``, and starting ``cron()`` schedules; those operations
answer HTTP 501.
"""

from rotation_testkit.doubles.secretsmanager.calls import Call, Event, Move
from rotation_testkit.doubles.secretsmanager.faults import Faults
from rotation_testkit.doubles.secretsmanager.protocol.errors import ConnectionDropped, ServiceError
from rotation_testkit.doubles.secretsmanager.rotations.rotator import Rotation, RotationState
from rotation_testkit.doubles.secretsmanager.service import SecretsManager

__all__ = [
    "Call",
    "ConnectionDropped",
    "Event",
    "Faults",
    "Move",
    "Rotation",
    "RotationState",
    "SecretsManager",
    "ServiceError",
]
