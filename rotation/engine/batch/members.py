"""The accounts of a batch, each bound to its driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.document import SecretDocument, documents
from rotation.core.errors import RotationError, SecretDocumentError
from rotation.drivers.guarded import Guarded
from rotation.engine.session import Session, identity


@dataclass(frozen=True, slots=True)
class Member:
    """One account. ``name`` is what tells it from the others."""

    number: int
    name: str
    document: SecretDocument
    bound: Guarded


def members(session: Session, document: SecretDocument, key: str) -> tuple[Member, ...]:
    """Bind every account of the list under ``key``.

    Raises:
        SecretDocumentError: the list is not usable, or the driver takes no batch.
        SettingsError: an entry's keys are wrong.
    """
    found: list[Member] = []
    accounts = documents(document, key)
    for number, each in enumerate(accounts):
        try:
            bound = session.bind(each, accounts)
            _ = each.password  # raises here, before any vendor is called
        except RotationError as error:
            raise error.prefixed(f"{key} {number + 1}") from None
        found.append(Member(number, _name(bound, document, key, number), each, bound))
    spec = found[0].bound.spec
    if spec.batch_key != key:
        raise SecretDocumentError(f"{spec.code} takes one account in a secret, with a password at the top")
    known = [identity_of(member.bound) for member in found]
    twice = {member.name for member in found if known.count(identity_of(member.bound)) > 1}
    if twice:
        raise SecretDocumentError(f"{', '.join(sorted(twice))} stands twice in {key!r}")
    return tuple(found)


def identity_of(bound: Guarded) -> dict[str, object]:
    """Return what tells an account from every other; the case of a user name does not count."""
    return casefolded(identity(bound))


def casefolded(own: Mapping[str, object]) -> dict[str, object]:
    """Return an identity whose user name's case does not count."""
    return {**own, "username": str(own["username"]).casefold()}


def _name(bound: Guarded, document: SecretDocument, key: str, number: int) -> str:
    """Return what tells the account from the others: its first identifying field that the batch does not share."""
    own = [name for name in bound.account.__dataclass_fields__ if name in identity(bound) and name not in document]
    return str(getattr(bound.account, own[0])) if own else f"{key} {number + 1}"
