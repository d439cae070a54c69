"""The job's mirror in AWS Secrets Manager: which secret it is, and whether the deployment lets it be one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, SettingsError
from rotation.core.values import Verdict
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.deployment.open_session import countdown, open_session
from rotation.engine.account.login_budget import Budget
from rotation.state.store import Store
from rotation.stores.vault_kv import Kv, read_current
from vault_plugin.job.kv_rotation import STEP_SECONDS, Over
from vault_plugin.job.schedule import Wishes
from vault_plugin.mirror import Found, MirroredStore, reconcile

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "LOCKSTEP_MIRROR_PREFIX"


def mirrored(
    clock: Clock,
    environment: Mapping[str, str] = os.environ,
    client: Callable[[], SecretsManagerClient] | None = None,
) -> Over:
    """Return what puts a mirror over the stores of secrets that wish for one.

    Args:
        clock: everybody's.
        environment: for the names that are allowed.
        client: makes an AWS client; by the usual AWS settings when left out.
    """

    def over(store: Store, wishes: Wishes) -> Store:
        if wishes.mirror is None:
            return store
        return MirroredStore(store, aws_mirror(allowed(wishes.mirror, environment), clock, client))

    return over


def allowed(name: str, environment: Mapping[str, str]) -> str:
    """Return a mirror's name if the deployment lets it be one: custom metadata must not aim at any other secret.

    Raises:
        SettingsError: it does not begin with LOCKSTEP_MIRROR_PREFIX, or none is set.
    """
    prefix = environment.get(PREFIX, "")
    if not prefix or not name.startswith(prefix):
        raise SettingsError("custom metadata", (f"lockstep-mirror must begin with what {PREFIX} says",))
    return name


def aws_mirror(name: str, clock: Clock, client: Callable[[], SecretsManagerClient] | None = None) -> Store:
    """Return the store of a secret in AWS Secrets Manager."""
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.secrets_manager import AwsSecretsManager

    return AwsSecretsManager((client or secrets_manager)(), name, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two stores that should hold the same.

    Attributes:
        source: where rotations happen.
        target: the mirror.
        fetch: reads an admin credential.
        deployment: what is allowed.
        clock: everybody's.
    """

    source: Store
    target: Store
    fetch: Callable[[str], SecretDocument]
    deployment: Deployment
    clock: Clock

    def reconcile(self, *, force: bool = False) -> Found:
        """See ``mirror.reconcile``; logins are charged to the source's wrong-login budget."""
        return reconcile(self.source, self.target, self._log_in, force=force)

    def _log_in(self, document: SecretDocument) -> Verdict:
        binder = Binder(
            deployment=self.deployment,
            fetch=self.fetch,
            clock=self.clock,
            time_left=countdown(STEP_SECONDS, self.clock.now),
        )
        bound = binder(document)
        if not bound.can_ask(bound.observe()):
            raise CannotVerify(
                "both stores hold different values, and nobody can tell by a login which one is live",
                hint="Find out which one is live; --force takes the source's.",
            )
        state = self.source.describe()
        session = open_session(self.source, binder, token=str(state.current_id))
        budget = Budget(session=session, bound=bound, version_id=str(state.current_id))
        return budget.log_in(document.password, state)


def from_kv(kv: Kv) -> Callable[[str], SecretDocument]:
    """Return what reads admin credentials from a mount."""
    return lambda path: read_current(kv, path)


def from_aws(name: str) -> SecretDocument:
    """Read an admin credential from Secrets Manager."""
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.secrets_manager import read_current as read

    return read(secrets_manager(), name)


def turned(pair: Pair) -> Pair:
    """Return the pair the other way round, for secrets that AWS rotates and Vault mirrors."""
    return replace(pair, source=pair.target, target=pair.source)
