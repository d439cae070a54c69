"""The accounts of a batch, each bound to its driver, and each shown as if it had a secret of its own.

A batch's document keeps what its accounts share at the top, and a list with what is each one's own:
``{"driver": …, "username": "root", "devices": [{"instance_id": "a", "password": …}, {"instance_id": "b", …}]}``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from rotation.core.document import SecretDocument, documents
from rotation.core.errors import ConfigError, RotationError, SecretDocumentError
from rotation.core.values import Evidence
from rotation.drivers.guarded import Guarded
from rotation.engine.identity.named import Named, identity
from rotation.engine.session import Session
from rotation.state import marks, waiting
from rotation.state.marks import Kind, Mark
from rotation.state.parking import Reason
from rotation.state.store import StoredValue, replace_marks
from rotation.state.versions import SecretState

_SPENT = (Kind.TASK, Kind.ACCEPTED, Kind.PARKED, Kind.FAILED)


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
    known = [_casefolded(member.bound) for member in found]
    twice = {member.name for member, own in zip(found, known, strict=True) if known.count(own) > 1}
    if twice:
        raise SecretDocumentError(f"{', '.join(sorted(twice))} stands twice in {key!r}")
    return tuple(found)


def _casefolded(of: Named | Guarded) -> dict[str, object]:
    """Return an account's identity; the case of a user name does not count."""
    return {**identity(of), "username": of.username.casefold()}


def _name(bound: Guarded, document: SecretDocument, key: str, number: int) -> str:
    """Return what tells the account from the others: its first identifying field that the batch does not share."""
    own = [name for name in bound.account.__dataclass_fields__ if name in identity(bound) and name not in document]
    return str(getattr(bound.account, own[0])) if own else f"{key} {number + 1}"


class MemberStore:
    """The ``Notes`` of one account of a batch. What is unusual about it is packed into one label."""

    def __init__(self, session: Session, key: str, number: int, account: Guarded) -> None:
        self._session = session
        self._key = key
        self._number = number
        self._account = account

    def describe(self) -> SecretState:
        """See ``Notes``."""
        return self._session.store.describe().seen_by(self._number)

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Notes``. Another version counts only where this account has the same place in it."""
        value = self._session.read(version_id)
        own = [] if value is None else documents(value.document, self._key)
        if value is None or self._number >= len(own):
            return None
        document = own[self._number]
        if version_id != self._session.token and not self._is_mine(document):
            return None
        return replace(value, document=document)

    def _is_mine(self, document: SecretDocument) -> bool:
        try:
            other = self._session.bind.name(document)
        except (ConfigError, SecretDocumentError):
            return False
        return other.spec.code == self._account.spec.code and _casefolded(other) == _casefolded(self._account)

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``Notes``."""
        self._rewrite(version_id, add=frozenset({mark}))

    def unmark(self, version_id: str, mark: Mark) -> None:
        """See ``Notes``. A proof may be in a label of its own."""
        if mark.kind is Kind.PROOF:
            self._session.store.unmark(version_id, Mark(mark.kind, f"{mark.value}:{self._number}"))
        self._rewrite(version_id, take=frozenset({mark}))

    def prove(self, version_id: str, evidence: Evidence) -> None:
        """See ``Notes``. An account that has a label of its own keeps its proof in there: labels are few."""
        if self._packed(self._session.store.describe(), version_id):
            self.mark(version_id, marks.proof(evidence))
        else:
            self._session.store.prove(version_id, evidence, self._number)

    def release(self, token: str) -> None:
        """Stop only this account's attempts; the batch releases the candidate once no account needs it any more."""
        version = self._session.store.describe().version(token)
        own = version.seen_by(self._number)
        spent = frozenset(mark for mark in own.marks if mark.kind in _SPENT)
        pause = waiting.grown(own.failed + 1, self._account.lockout.window_seconds, token)
        new = {marks.parked(Reason.CANDIDATE_REFUSED, self._session.clock.now() + pause), marks.failed(own.failed + 1)}
        self._rewrite(token, add=frozenset(new), take=spent - new)

    def _packed(self, state: SecretState, version_id: str) -> list[Mark]:
        packed = state.version(version_id).all(Kind.MEMBER)
        return [note for note in packed if marks.unpacked(note)[0] == str(self._number)]

    def _rewrite(
        self, version_id: str, *, add: frozenset[Mark] = frozenset(), take: frozenset[Mark] = frozenset()
    ) -> None:
        """Write a new label for the account, and only then take the old one away, so that a crash forgets nothing.

        A nonce makes every label new: else a run could take away what another has just written, since it saw the same
        label before.
        """
        old = self._packed(self._session.store.describe(), version_id)
        before = frozenset[Mark]().union(*(marks.unpacked(note)[1] for note in old))
        after = (before | add) - take
        if after == before and len(old) < 2:  # noqa: PLR2004 - more are what a crash leaves
            return
        new = [marks.member(self._number, after, os.urandom(2).hex())] if after else []
        replace_marks(self._session.store, version_id, new, old)
