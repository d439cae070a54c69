"""The sandbox with its secrets in a KV version 2 engine, in memory or on a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.deployment.deployment import Deployment
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Kv, VaultKv
from rotation_testkit.doubles.vault.kv2 import OperatedKv
from rotation_testkit.sandbox.enrolled import annotated, binding_of
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, Sandbox, open_sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSandbox:
    """Vendors, hosts and one KV secret per account.

    Attributes:
        world: vendors, hosts and clock.
        kv: the mount, for an operator.
        folder: a folder of the mount that only this sandbox uses.
        mount: the mount's name on a server.
    """

    world: Sandbox
    kv: OperatedKv
    folder: str
    mount: str = "secret"

    def path(self, account: str) -> str:
        """Return the path of an account's secret."""
        return f"{self.folder}/apps/{account}"

    def environment(self) -> dict[str, str]:
        """Return the deployment's variables: the vendors', with admin credentials in KV."""
        admins = {f"LOCKSTEP_{code.upper()}_ADMIN_SECRET": self.admin_path(code) for code in self.world.admin_secrets}
        return {**self.world.environment(), "LOCKSTEP_VAULT_MOUNT": self.mount, **admins}

    def admin_path(self, code: str) -> str:
        """Return the path of a driver's admin credential."""
        return f"{self.folder}/admin/{code}"

    @property
    def deployment(self) -> Deployment:
        """What the deployment allows."""
        return Deployment.from_environment(self.environment())

    def store(self, account: str, kv: Kv | None = None) -> VaultKv:
        """Return the store of an account's secret."""
        return VaultKv(kv or self.kv, self.path(account), clock=self.world.clock)

    def stored(self, account: str) -> Secret:
        """Return the password that readers get."""
        return self._document(self.path(account)).password

    def journal(self, account: str) -> SecretDocument:
        """Return the journal's fields."""
        return self._document(self.path(account) + JOURNAL_SUFFIX)

    def _document(self, path: str) -> SecretDocument:
        entry = self.kv.read(path)
        assert entry is not None
        assert entry.document is not None
        return entry.document

    def heals(self, account: str) -> bool:
        """Return whether the stored password is the live one."""
        return self.stored(account) == self.world.live(account)

    def enroll(self, account: str) -> None:
        """Bind an account's secret to what its value names now, as ``lockstep vault enroll`` does."""
        self.store(account).enroll(binding_of(self._document(self.path(account))))

    def wish(self, account: str, **custom: str) -> None:
        """Set the custom metadata of an account's secret: ``every="30d"`` is ``lockstep-every``."""
        wishes = {f"lockstep-{key.replace('_', '-')}": text for key, text in custom.items()}
        self.kv.configure(
            self.path(account), custom=annotated(SecretDocument(self.world.vendor_accounts[account].document), wishes)
        )


@contextmanager
def open_vault_sandbox(
    make: Callable[[Callable[[], float]], OperatedKv],
    folder: str,
    *,
    holding: Collection[str] | None = (UCLOUD, HUAWEI),
    custom: Mapping[str, str] | None = None,
) -> Iterator[VaultSandbox]:
    """Start the vendors and put their accounts' secrets into a mount.

    Args:
        make: returns the mount, given the clock's ``now``.
        folder: in the mount.
        holding: keys of the accounts, ``None`` for all.
        custom: custom metadata of every secret.
    """
    with open_sandbox(holding=holding) as inner:
        made = VaultSandbox(world=inner, kv=make(inner.clock.now), folder=folder)
        for code in inner.admin_secrets:
            admin = inner.vendors[code].admin or {}
            made.kv.write(made.admin_path(code), SecretDocument(admin), cas=0)
        for account, held in inner.vendor_accounts.items():
            document = SecretDocument({**held.document, "password": held.live().reveal()})
            made.kv.configure(made.path(account), custom=annotated(SecretDocument(held.document), custom))
            made.kv.write(made.path(account), document, cas=0)
        yield made
