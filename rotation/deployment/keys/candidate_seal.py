"""The seal that a deployment puts on candidates over Secrets Manager: its key is in a secret of its own.

``LOCKSTEP_SEAL_SECRET`` names that secret, as ``{"key": "…"}``; ``off`` uses candidates that anyone may have put.
"""

from __future__ import annotations

from collections.abc import Callable

from rotation.core import settings
from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError, SettingsError, Withheld
from rotation.deployment.deployment import Deployment
from rotation.stores.aws.seal import Seal, SealKeys

_VARIABLE = "LOCKSTEP_SEAL_SECRET"
_OFF = "off"


def seal_for(deployment: Deployment, fetch: Callable[[str], SecretDocument]) -> Seal | None:
    """Return what seals candidates; ``None`` where the deployment switched it off.

    Args:
        deployment: its settings.
        fetch: reads another secret's current document; used when a seal is made or checked.
    """
    if deployment.seal_secret == _OFF:
        return None
    return Seal(lambda: _keys(require_seal(deployment), fetch))


def require_seal(deployment: Deployment) -> str:
    """Return the name of the secret with the seal's key, or ``off``.

    Raises:
        SettingsError: the deployment says neither.
    """
    if deployment.seal_secret is None:
        raise SettingsError(
            "environment",
            (f"{_VARIABLE} is missing (the secret with the key of the candidates' seals, or {_OFF})",),
            hint="template.yaml makes that secret; its output SealSecretArn names it. With `off`, anyone who may "
            "write the secret's value chooses the next password.",
        )
    return deployment.seal_secret


def _keys(name: str, fetch: Callable[[str], SecretDocument]) -> SealKeys:
    where = "seal secret"

    def explained(error: RotationError) -> RotationError:
        named = error if isinstance(error, SettingsError) else error.prefixed(where)
        return named.with_hint(f'Check the secret that {_VARIABLE} names ({{"key": "…"}}), and the right to read it.')

    with Withheld(RotationError, by=explained):
        return settings.load(SealKeys, fetch(name), where=where)
