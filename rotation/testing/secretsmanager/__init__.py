"""A strict, stateful AWS Secrets Manager: the service's documented rules, its rotations, and faults on demand.

``SecretsManager`` serves the AWS JSON protocol to unmodified clients. Not built: replication, resource policies,
managed rotation and external secrets, ``BatchGetSecretValue``, and starting ``cron()`` schedules; calling those
operations is answered with HTTP 501.
"""

from rotation.testing.secretsmanager.calls import Call, Event, Move
from rotation.testing.secretsmanager.errors import ConnectionDropped, ServiceError
from rotation.testing.secretsmanager.faults import Faults
from rotation.testing.secretsmanager.rotator import Rotation, RotationState
from rotation.testing.secretsmanager.service import SecretsManager

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
