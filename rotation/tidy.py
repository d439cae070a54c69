"""Which labels go when a candidate is released, and which after a promotion. Stores call this with their own labels."""

from __future__ import annotations

from rotation.lease import Labels, place
from rotation.machine import PENDING
from rotation.marks import PREFIX, Kind, Mark, SecretState

_SPENT = {Kind.TASK, Kind.PARKED, Kind.ACCEPTED}


def release(labels: Labels, state: SecretState, token: str) -> None:
    """Take the pending stage and every mark from the token's version; the lease is not ours to drop."""
    version = state.versions.get(token)
    if version is None:
        return
    for mark in version.marks:
        labels.detach(mark.label, token)
    # Last, so that a crash before it leaves a candidate that is refused again, and none that is half released.
    if PENDING in version.stages:
        labels.detach(PENDING, token)


def settle(labels: Labels, state: SecretState, token: str) -> None:
    """After a promotion: take what is no longer needed, since another value has been proved live.

    The new current keeps its intent, proof and wrong logins; all other versions lose every mark, so that the store may
    forget them. The lease of the latest generation stays wherever it rests.
    """
    lease = place(state).label
    for version in state.versions.values():
        for label in version.labels:
            if label == lease or not (label.startswith(PREFIX) or label == PENDING):
                continue
            if version.id != token:
                if label != PENDING:
                    labels.detach(label, version.id)
            elif _is_spent(label):
                labels.detach(label, token)


def _is_spent(label: str) -> bool:
    mark = Mark.parse(label)
    return label == PENDING or mark is None or mark.kind in _SPENT
