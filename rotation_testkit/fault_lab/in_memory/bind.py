"""Binds documents to the in-memory vendor, with the secret's binding held as everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rotation.core.document import SecretDocument, documents, list_key, takes_turns, turned
from rotation.drivers.contract import DriverSpec
from rotation.drivers.guarded import Guarded
from rotation.engine.identity.admission import Admission
from rotation.engine.identity.named import Named, binding_for
from rotation.engine.identity.turns import named_with_other
from rotation.state.binding import BindingMode, in_turn, of_batch
from rotation.state.store import Store
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount


class MemoryBind:
    """Implements ``session.Bind``.

    Args:
        spec: the driver's record.
        store: the secret, whose binding is held.
        make: returns the account of a document.
        mode: what is demanded of the secret.
    """

    def __init__(
        self,
        spec: DriverSpec,
        store: Store,
        make: Callable[[SecretDocument], Guarded],
        mode: BindingMode = BindingMode.REQUIRED,
    ) -> None:
        self._spec, self._make = spec, make
        self._admission = Admission(store=store, name=self.name, mode=lambda _: mode)

    def __call__(self, document: SecretDocument, batch: Sequence[SecretDocument] = ()) -> Guarded:
        """See ``session.Bind``."""
        self._admission.admit(document, batch)
        return self._make(document)

    def name(self, document: SecretDocument) -> Named:
        """See ``session.Bind``."""
        return named_with_other(document, self._name_one)

    def _name_one(self, document: SecretDocument) -> Named:
        account = memory_account(document)
        return Named(spec=self._spec, account=account, username=account.username, pins={}, by_host=False)


def memory_account(document: SecretDocument) -> MemoryAccount:
    """Return the account's own keys."""
    return MemoryAccount(username=document.text("username"), tenant=str(document.get("tenant", "main")))


def memory_binding(document: SecretDocument) -> str:
    """Return the text of the binding of a secret with this document."""
    key = list_key(document)
    each = [document] if key is None else documents(document, key)
    bindings = [binding_for("memory", memory_account(one), one.text("username")) for one in each]
    if takes_turns(document):
        other = turned(document)
        return in_turn(bindings[0], binding_for("memory", memory_account(other), other.text("username"))).text()
    return of_batch(bindings).text()
