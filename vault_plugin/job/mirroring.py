"""The job's mirror in AWS Secrets Manager: its name, whether the deployment allows the name, and the comparison."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from rotation.core.clock import Clock, steady
from rotation.core.document import SecretDocument, documents, list_key, turned
from rotation.core.errors import CannotVerify, IdentityChanged, RotationError, SettingsError, Withheld
from rotation.core.settings import checked_path
from rotation.core.values import Verdict
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment, configured
from rotation.deployment.kv_job import KvJob
from rotation.deployment.open_session import countdown, open_session
from rotation.engine.account.login_budget import Budget
from rotation.engine.batch.batch import Batch
from rotation.engine.session import Session
from rotation.state.store import Store
from rotation.stores.vault_kv import Kv, VaultKv, read_current
from vault_plugin.job.kv_rotation import STEP_SECONDS, WrapStore
from vault_plugin.job.schedule import Wishes
from vault_plugin.mirror import MirroredStore, MirrorState, reconcile
from vault_plugin.mirror_link import require_aws_link, vault_source

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "LOCKSTEP_MIRROR_PREFIX"


def with_mirror(
    environment: Mapping[str, str] = os.environ,
    client: Callable[[], SecretsManagerClient] | None = None,
) -> WrapStore:
    """Return the function that wraps the store of a secret with a mirror if its custom metadata name one.

    Args:
        environment: names the prefix of allowed mirrors.
        client: makes an AWS client; from the standard AWS configuration when left out.
    """

    def wrap(store: Store, wishes: Wishes) -> Store:
        if wishes.mirror is None:
            return store
        name, aws = allowed(wishes.mirror, environment), client or _aws()

        def check() -> None:
            path = store.path if isinstance(store, VaultKv) else ""
            require_aws_link(aws(), name, vault_source(path, environment))

        return LinkedStore(store, aws_mirror(name, aws), check)

    return wrap


def allowed(name: str, environment: Mapping[str, str]) -> str:
    """Return a mirror's name if the deployment allows it: custom metadata must not point at any other secret.

    Raises:
        ConfigError: a segment of the name is empty, `.` or `..`.
        SettingsError: the name does not begin with LOCKSTEP_MIRROR_PREFIX, or none is set.
    """
    prefix = KvJob.of(configured(environment)).mirror_prefix
    if not prefix or not name.startswith(prefix):
        raise SettingsError("custom metadata", (f"lockstep-mirror must begin with the value of {PREFIX}",))
    return checked_path(name, what="lockstep-mirror")


def aws_mirror(name: str, client: Callable[[], SecretsManagerClient] | None = None) -> Store:
    """Return the store of a secret in AWS Secrets Manager."""
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.secrets_manager import AwsSecretsManager

    return AwsSecretsManager((client or secrets_manager)(), name)


def _aws() -> Callable[[], SecretsManagerClient]:
    from rotation.stores.aws.client import secrets_manager

    return cache(secrets_manager)


class LinkedStore(MirroredStore):
    """A mirrored store that looks whether the mirror names it, before the write as well.

    Args:
        store: the store that is rotated.
        mirror: the store that gets the same value.
        check: raises unless the mirror names the store as its source.
    """

    def __init__(self, store: Store, mirror: Store, check: Callable[[], None]) -> None:
        super().__init__(store, mirror)
        self._check = check

    def require_mirror(self) -> None:
        """See ``HasMirror``."""
        with Withheld(RotationError, by=lambda error: error.prefixed("the mirror")):
            self._check()

    def settle(self, token: str) -> None:
        """Check, then write the mirror and settle; see ``Store``."""
        self.require_mirror()
        super().settle(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPair:
    """Two stores that should hold the same value.

    Attributes:
        source: the store that is rotated.
        target: the mirror.
        fetch: reads an admin credential.
        deployment: what is allowed.
    """

    source: Store
    target: Store
    fetch: Callable[[str], SecretDocument]
    deployment: Deployment
    clock: Clock

    def reconcile(self, *, force: bool = False) -> MirrorState:
        """Compare and repair; see ``mirror.reconcile``. Logins are charged to the source's wrong-login budget."""
        return reconcile(self.source, self.target, self._log_in, same=self._require_same, force=force)

    def swapped(self) -> MirrorPair:
        """Return the pair with source and target exchanged, for secrets that AWS rotates and Vault mirrors."""
        return replace(self, source=self.target, target=self.source)

    def _session(self) -> Session:
        binder = Binder(
            deployment=self.deployment,
            fetch=self.fetch,
            clock=self.clock,
            time_left=countdown(STEP_SECONDS, steady(self.clock).now),
        )
        return open_session(self.source, binder, token=str(self.source.seen().current_id))

    def _require_same(self, one: SecretDocument, other: SecretDocument) -> None:
        """Raise unless both documents name one account, to which the source is bound."""
        session, key = self._session(), list_key(one)
        if key is None:
            session.bind_pair(turned(one), other)  # both name the same account, also where two take turns
            return
        own, others = documents(one, key), documents(other, key)
        if len(own) != len(others):
            raise IdentityChanged(f"both stores hold different {key}")
        Batch.of(session, one)
        for each, there in zip(own, others, strict=True):
            session.bind_pair(each, there)

    def _log_in(self, document: SecretDocument) -> Verdict:
        session = self._session()
        bound = session.bind(document)
        if not bound.can_ask(bound.observe()):
            raise CannotVerify(
                "both stores hold different values, and no login can tell which one is live",
                hint="Find out which value is live; --force takes the source's value.",
            )
        state = self.source.describe()
        budget = Budget(session=session, bound=bound, version_id=str(state.current_id))
        return budget.log_in(document.password, state)


def from_kv(kv: Kv) -> Callable[[str], SecretDocument]:
    """Return the function that reads admin credentials from a mount."""
    return lambda path: read_current(kv, path)


def from_aws(name: str) -> SecretDocument:
    """Read an admin credential from Secrets Manager."""
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.secrets_manager import read_current as read

    return read(secrets_manager(), name)
