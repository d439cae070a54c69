"""One account of a batch, shown as if it had a secret of its own: a document of the usual form, and its marks.

A batch's document keeps what its accounts share at the top, and a list with what is each one's own:
``{"driver": …, "username": "root", "devices": [{"instance_id": "a", "password": …}, {"instance_id": "b", …}]}``.
"""

from __future__ import annotations

import os
from dataclasses import replace

from rotation.core.document import SecretDocument, documents
from rotation.core.errors import ConfigError, SecretDocumentError
from rotation.core.values import Evidence
from rotation.drivers.guarded import Guarded
from rotation.engine.batch.members import casefolded, identity_of
from rotation.engine.session import Session
from rotation.state import marks, waiting
from rotation.state.marks import Kind, Mark
from rotation.state.parking import Reason
from rotation.state.store import StoredValue, replace_marks
from rotation.state.versions import SecretState

_SPENT = (Kind.TASK, Kind.ACCEPTED, Kind.PARKED, Kind.FAILED)


class MemberStore:
    """The ``Notes`` of one account of a batch. What is unusual about it is packed into one label.

    Args:
        session: the batch's run.
        key: where the list stands.
        number: the account's place in it, from 0.
        account: the account.
    """

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
        return other.spec.code == self._account.spec.code and casefolded(other.identity) == identity_of(self._account)

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
