"""Keep a second store, the mirror, at the proved value of the first; each store has its own compare-and-swap.

Nothing is noted anywhere: a comparison of both stores shows whether the mirror is behind. The mirror is written between
the commit of the first store and its settling, so a rotation that cannot reach the mirror fails and is tried again.
``reconcile`` repairs what even that leaves behind.

Example: the source holds ``old`` and the mirror ``old``. A rotation commits ``new`` and the process dies: source
``new`` (proved), mirror ``old``. The next run of the step, or ``reconcile``, sees that the mirror holds the source's
previous value and writes ``new``. If the mirror held ``foreign`` instead, which the source never had, ``reconcile``
logs in at the vendor with the source's value, then with the mirror's, and keeps the live one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, runtime_checkable

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, LoginRejected, SecretNotFound, StageConflict
from rotation.core.values import Verdict
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState
from rotation.stores.wrapper import PassingStore

_TRIES = 5

LogIn = Callable[[SecretDocument], Verdict]
"""Tries the password of a document at the vendor, within the wrong-login budget."""

Compare = Callable[[SecretDocument, SecretDocument], None]
"""Raises ``RotationError`` unless both documents name the same account."""


class MirrorState(StrEnum):
    """What ``reconcile`` found and repaired."""

    IN_STEP = "in_step"
    IN_PROGRESS = "in_progress"
    """A rotation of the first store is in progress; it writes the mirror itself."""
    CREATED = "created"
    BEHIND = "behind"
    """The mirror held the source's previous value and has the current one now."""
    OVERWRITTEN = "overwritten"
    """The mirror held another value, the source's value is live, and the mirror has it now."""
    ADOPTED = "adopted"
    """The source's value was dead, the mirror's value is live, and the source has it now."""


@runtime_checkable
class Creates(Protocol):
    """A store that can create its secret."""

    def create(self, document: SecretDocument) -> None:
        """Create the secret, or raise ``StageConflict`` if it exists."""
        ...


@runtime_checkable
class Replaces(Protocol):
    """A store whose promotion keeps the current document's other keys, and which can also replace the document."""

    def replace(self, document: SecretDocument, *, current_id: str | None) -> None:
        """Make the document current, or raise ``StageConflict`` if another version than ``current_id`` is current."""
        ...


class MirroredStore(PassingStore):
    """A store that is rotated, and writes its proved values to a mirror, too."""

    def __init__(self, store: Store, mirror: Store) -> None:
        super().__init__(store)
        self._mirror = mirror

    def settle(self, token: str) -> None:
        """Write the mirror, then settle the store; see ``Store``. Without the mirror the step is not done."""
        bring_forward(self._store, self._mirror)
        super().settle(token)


def bring_forward(source: Store, target: Store) -> bool:
    """Write the source's current value to the target. Return whether the target had to be written.

    The target is read before the source. A write to the target in between makes the compare-and-swap fail, and both
    are read again. So a late writer never puts an old value over a newer one.

    Raises:
        StageConflict: the target was written again and again, or has a rotation of its own.
        StoreError: either store could not be used.
    """
    for _ in range(_TRIES):
        try:
            seen: SecretState | None = target.describe()
        except SecretNotFound:
            if not isinstance(target, Creates):
                raise
            seen = None
        document = current(source)
        if seen is None and isinstance(target, Creates):
            target.create(document)
            return True
        if seen is not None and _same(document, _at(target, seen.current_id)):
            _settle_leftover(target, seen)
            return False
        try:
            _swap(target, seen or target.describe(), document)
        except StageConflict:
            continue
        return True
    raise StageConflict("the mirror was written by others again and again, or rotates by itself")


def reconcile(source: Store, target: Store, log_in: LogIn, *, same: Compare, force: bool = False) -> MirrorState:
    """Compare both stores and give both the live value.

    A login tells which one that is, unless the source's value is proved and the mirror holds the previous one. With
    ``force`` the source's value counts as live where no login can tell. A mirror's value is only tried and taken over
    if it names the source's account: who may write the mirror must not choose which account the source rotates.

    Raises:
        IdentityChanged: the mirror names another account.
        CannotVerify: no login can tell which value is live.
        LoginRejected: neither value is live.
        RotationError: a store or the vendor could not be asked.
    """
    state = source.describe()
    if _in_flight(state):
        return MirrorState.IN_PROGRESS
    try:
        there = _at(target, target.describe().current_id)
    except SecretNotFound:
        bring_forward(source, target)
        return MirrorState.CREATED
    here, before = current(source), _at(source, state.previous_id)
    if _same(here, there):
        bring_forward(source, target)  # finishes what a crash left between commit and clean-up
        return MirrorState.IN_STEP
    proved = state.proof(str(state.current_id)) is not None
    if there is None or (proved and before is not None and _same(before, there)):
        bring_forward(source, target)
        return MirrorState.BEHIND
    if _is_live(here, log_in, unclear=force):
        bring_forward(source, target)
        return MirrorState.OVERWRITTEN
    same(here, there)
    if not _is_live(there, log_in, unclear=False):
        raise LoginRejected(
            "neither the stored password nor the mirror's opens the account",
            hint="Put the live password into the secret as a new version, then run this again.",
        )
    bring_forward(target, source)
    return MirrorState.ADOPTED


def _is_live(document: SecretDocument, log_in: LogIn, *, unclear: bool) -> bool:
    try:
        return log_in(document) is Verdict.ACCEPTED
    except CannotVerify:
        if unclear:
            return True
        raise


def current(store: Store) -> SecretDocument:
    """Return a store's current document."""
    document = _at(store, store.describe().current_id)
    if document is None:
        raise SecretNotFound("the secret has no current value")
    return document


def _at(store: Store, version_id: str | None) -> SecretDocument | None:
    value = None if version_id is None else store.read(version_id)
    return None if value is None else value.document


def _in_flight(state: SecretState) -> bool:
    pending = state.holder(PENDING)
    return pending is not None and pending != state.current_id and state.versions[pending].intent is not None


def _swap(target: Store, seen: SecretState, document: SecretDocument) -> None:
    """Stage and promote against what was seen. The next run takes over the pending version that a crash leaves."""
    _settle_leftover(target, seen)
    pending = None if seen.holder(PENDING) == seen.current_id else seen.holder(PENDING)
    if pending is not None:
        if seen.versions[pending].intent is not None:
            raise StageConflict("the mirror is being rotated by itself")
        if not _same(document, _at(target, pending)):
            target.release(pending)
            pending = None
    if isinstance(target, Replaces):
        target.replace(document, current_id=seen.current_id)
        return
    token = pending or str(uuid.uuid4())
    target.stage(token, document)
    target.promote(token, current_id=seen.current_id)
    target.settle(token)


def _settle_leftover(target: Store, seen: SecretState) -> None:
    pending = seen.holder(PENDING)
    if pending is not None and pending == seen.current_id:
        target.settle(pending)


def _same(one: SecretDocument, other: SecretDocument | None) -> bool:
    """Compare as KV keeps values: the order of keys does not count, and numbers are floats."""
    return other is not None and _plain(one) == _plain(other)


def _plain(document: SecretDocument) -> object:
    return json.loads(document.dump().reveal(), parse_int=float)
