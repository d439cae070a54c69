"""Two stores, one proved value: the second is written by its own compare-and-swap once the first has committed.

Crash-only. Nothing is noted anywhere: whether the mirror is behind is seen by looking at both. The write to the mirror
comes between the commit and the settling of the first store, so a rotation that could not reach the mirror fails, is
tried again, and does the rest; what even that leaves behind, ``reconcile`` finds later, whoever runs it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeGuard, runtime_checkable

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, LoginRejected, SecretNotFound, StageConflict
from rotation.core.values import Verdict
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState
from rotation.stores.wrapper import PassingStore

_TRIES = 5

LogIn = Callable[[SecretDocument], Verdict]
"""Tries a document's password at the vendor, within the wrong-login budget."""


class Found(StrEnum):
    """What ``reconcile`` found, and what it did about it."""

    IN_STEP = "in_step"
    IN_PROGRESS = "in_progress"
    """A rotation of the first store is underway; it will write the mirror itself."""
    CREATED = "created"
    BEHIND = "behind"
    """The mirror held the value before the first store's proved one; it was brought forward."""
    OVERWRITTEN = "overwritten"
    """The mirror held another value, and the first store's is live."""
    ADOPTED = "adopted"
    """The first store's value is dead and the mirror's is live: the first store has it now."""


@runtime_checkable
class Creates(Protocol):
    """A store that can make its secret."""

    def create(self, document: SecretDocument) -> None:
        """Make it; ``StageConflict`` when it is there."""
        ...


class Replaces(Protocol):
    """A store whose promotion keeps other keys of current, and which can make a document current as it stands, too."""

    def replace(self, document: SecretDocument, *, current_id: str | None) -> None:
        """Do so; ``StageConflict`` when another version than that is current."""
        ...


class MirroredStore(PassingStore):
    """A store whose proved values also go to another one.

    Args:
        store: what the engine works with.
        mirror: holds the same value afterwards.
    """

    def __init__(self, store: Store, mirror: Store) -> None:
        super().__init__(store)
        self._mirror = mirror

    def settle(self, token: str) -> None:
        """See ``ports.Store``. The mirror comes first: until it is written, the step is not done."""
        bring_forward(self._store, self._mirror)
        super().settle(token)


def bring_forward(source: Store, target: Store) -> bool:
    """Make the target's current value the source's. Return whether anything had to be written.

    The target is looked at before the source: whoever writes it in between makes the compare-and-swap fail, and then
    both are looked at again. So a late writer never puts an old value over a newer one.

    Raises:
        StageConflict: others kept writing the target, or a rotation of its own is underway there.
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


def reconcile(source: Store, target: Store, log_in: LogIn, *, force: bool = False) -> Found:
    """Find out whether both stores hold the same and repair it by what is live.

    Args:
        source: the store in which rotations happen.
        target: the mirror.
        log_in: asked where the stores differ, unless the source's value was proved and the mirror has the one before.
        force: take the source's value for live when nobody can tell.

    Raises:
        CannotVerify: nobody can tell which value is live.
        LoginRejected: neither is.
        RotationError: a store or the vendor could not be asked.
    """
    state = source.describe()
    if _in_flight(state):
        return Found.IN_PROGRESS
    try:
        there = _at(target, target.describe().current_id)
    except SecretNotFound:
        bring_forward(source, target)
        return Found.CREATED
    here, before = current(source), _at(source, state.previous_id)
    if _same(here, there):
        bring_forward(source, target)  # ends what a crash left between commit and clean-up
        return Found.IN_STEP
    proved = state.versions[str(state.current_id)].verified is not None
    if there is None or (proved and before is not None and _same(before, there)):
        bring_forward(source, target)
        return Found.BEHIND
    if _is_live(here, log_in, unclear=force):
        bring_forward(source, target)
        return Found.OVERWRITTEN
    if not _is_live(there, log_in, unclear=False):
        raise LoginRejected(
            "neither the stored password nor the mirror's opens the account",
            hint="Put the live password into the secret as a new version, then run this again.",
        )
    bring_forward(target, source)
    return Found.ADOPTED


def _is_live(document: SecretDocument, log_in: LogIn, *, unclear: bool) -> bool:
    try:
        return log_in(document) is Verdict.ACCEPTED
    except CannotVerify:
        if unclear:
            return True
        raise


def current(store: Store) -> SecretDocument:
    """Return a store's current document.

    Raises:
        SecretNotFound: it has none.
    """
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
    """Stage and promote against what was seen. A crash in between leaves a pending version that the next run takes."""
    pending = seen.holder(PENDING)
    if pending is not None and pending != seen.current_id:
        if seen.versions[pending].intent is not None:
            raise StageConflict("the mirror is being rotated by itself")
        if not _same(document, _at(target, pending)):
            target.release(pending)
            pending = None
    elif pending is not None:
        target.settle(pending)
        pending = None
    if _replaces(target):
        target.replace(document, current_id=seen.current_id)
        return
    token = pending or str(uuid.uuid4())
    target.stage(token, document)
    target.promote(token, current_id=seen.current_id)
    target.settle(token)


def _replaces(target: Store | Replaces) -> TypeGuard[Replaces]:
    return hasattr(target, "replace")


def _settle_leftover(target: Store, seen: SecretState) -> None:
    pending = seen.holder(PENDING)
    if pending is not None and pending == seen.current_id:
        target.settle(pending)


def _same(one: SecretDocument, other: SecretDocument | None) -> bool:
    """Compare as KV keeps values: without the order of keys, and numbers as a float has them."""
    return other is not None and _plain(one) == _plain(other)


def _plain(document: SecretDocument) -> object:
    return json.loads(document.dump().reveal(), parse_int=float)
