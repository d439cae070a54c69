"""Holds an account that a value names against the secret's binding, before the vendor or a host hears anything.

The value is written by anyone who may write the secret, the binding only by an operator; see ``state.binding``. What
differs decides:

* no binding, where the deployment demands one: ``NotEnrolled``;
* another account: ``BindingMismatch``;
* another address, port, key or certificate for logins: ``HostKeyChanged``.

A key or certificate that the binding does not name yet, since a rotation has learnt it, is held against the retained
versions of the same account: no rewrite of the value may replace it. Where the value has none any more, as after
Terraform has put the first value back, the retained one is used. Only in these two cases are retained versions read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rotation.core.document import SecretDocument, documents, list_key
from rotation.core.errors import BindingMismatch, ConfigError, HostKeyChanged, NotEnrolled, SecretDocumentError
from rotation.drivers.contract import DriverSpec
from rotation.drivers.network.login_settings import normal_pin
from rotation.engine.identity.named import Named
from rotation.state.binding import NONE, Binding, BindingMode, of_batch
from rotation.state.stages import PENDING, PREVIOUS
from rotation.state.store import Store
from rotation.state.versions import SecretState, Version

Pins = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Admission:
    """The binding of one secret in one invocation.

    Attributes:
        store: the secret.
        name: returns the account that a document names.
        mode: returns what the deployment demands for a driver.
    """

    store: Store
    name: Callable[[SecretDocument], Named]
    mode: Callable[[DriverSpec], BindingMode]
    _members: dict[str, Binding] = field(default_factory=dict)
    _retained: Mapping[str, Sequence[Pins]] | None = field(default=None, repr=False)

    def admit(self, document: SecretDocument, batch: Sequence[SecretDocument] = ()) -> Named:
        """Return the account, with the key or certificate by which its host is known; for the arguments see ``Bind``.

        Raises:
            NotEnrolled: the secret has no binding.
            BindingMismatch: it is bound to another account, or the binding cannot be read.
            HostKeyChanged: the login would go to another host or port than the one known.
            RotationError: a document or the deployment is wrong.
        """
        named, text = self.name(document), self.store.seen().binding
        if text is None:
            if self.mode(named.spec) is BindingMode.REQUIRED:
                raise NotEnrolled("the secret is not bound to an account, and this deployment demands it")
            return self._pinned(named, known=False)
        held = Binding.parse(text)
        if batch and not self._members:
            members = [self._pinned(self.name(each), known=held.pin != NONE).binding() for each in batch]
            _compare(of_batch(members), held)
            self._members = {each.account: each for each in members}
        named = self._pinned(named, known=held.pin != NONE)
        own = named.binding()
        member = self._members.get(own.account)
        _compare(own, held if member is None else replace(member, pin=NONE if held.pin == NONE else member.pin))
        return named

    def enrols(self, named: Named) -> Binding | None:
        """Return what a proved rotation binds the secret to, where it is bound to nothing yet."""
        pins = self.mode(named.spec) is BindingMode.PIN and self.store.seen().binding is None
        return named.binding() if pins else None

    def _pinned(self, named: Named, *, known: bool) -> Named:
        """Return the account with its pin held against retained versions, or taken from there if it has none.

        Where the pin is ``known`` to the binding, that decides which one is right.
        """
        if not named.by_host or (known and named.pins):
            return named
        retained = self._pins_of_versions().get(named.binding().account, ())
        if named.pins and any(_differ(named.pins, each) for each in retained):
            raise HostKeyChanged("the value names another host key or certificate than a retained version does")
        return named if named.pins or not retained else replace(named, pins=retained[0])

    def _pins_of_versions(self) -> Mapping[str, Sequence[Pins]]:
        """Return the pins of each account in the retained versions, those of a proved version first."""
        if self._retained is None:
            found: dict[str, list[Pins]] = {}
            state = self.store.seen()
            for version in _retained(state):
                for named in self._accounts_in(state, version):
                    if named.pins:
                        found.setdefault(named.binding().account, []).append(named.pins)
            self._retained = found
        return self._retained

    def _accounts_in(self, state: SecretState, version: Version) -> list[Named]:
        try:
            value = self.store.read(version.id)
            if value is None or (not state.was_put(version.id) and value.is_foreign()):
                return []
            key = list_key(value.document)
            each = [value.document] if key is None else documents(value.document, key)
            return [self.name(document) for document in each]
        except (ConfigError, SecretDocumentError):
            return []  # it names no account, so it pins none


def _retained(state: SecretState) -> list[Version]:
    """Return the versions but current and the candidate, the proved ones first, then the one that was current."""
    own = {state.current_id, state.holder(PENDING)}
    others = [each for each in state.versions.values() if each.id not in own]
    return sorted(others, key=lambda each: (each.proof is None and not each.proofs, PREVIOUS not in each.stages))


def _differ(one: Pins, other: Pins) -> bool:
    return any(normal_pin(kind, one[kind]) != normal_pin(kind, other[kind]) for kind in one.keys() & other.keys())


def _compare(own: Binding, held: Binding) -> None:
    if (own.driver, own.account) != (held.driver, held.account):
        raise BindingMismatch(
            f"the secret is bound to {held.driver} {held.note}, and its value names another account than that"
        )
    if own.place != held.place:
        raise HostKeyChanged("the value names another address or port for the login than the secret is bound to")
    if held.pin not in (own.pin, NONE):
        what = "no host key or certificate" if own.pin == NONE else "another host key or certificate"
        raise HostKeyChanged(f"the value names {what}, and the secret is bound to one")
