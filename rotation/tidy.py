"""Which labels go when a candidate is released, and which after a promotion. Stores call this with their own labels.

The lease and the announcements of runs are none of this module's business: whoever takes the lease next cleans up.
"""

from __future__ import annotations

from rotation.lease import Labels
from rotation.machine import PENDING
from rotation.marks import Kind, SecretState, Version

_SPENT = {Kind.TASK, Kind.PARKED, Kind.ACCEPTED}


def release(labels: Labels, state: SecretState, token: str) -> None:
    """Take the pending stage and every mark from the token's version; the lease is not ours to drop."""
    version = state.versions.get(token)
    if version is None:
        return
    for mark in version.marks:
        labels.detach(mark.on(token), token)
    # Last, so that a crash before it leaves a candidate that is refused again, and none that is half released.
    if PENDING in version.stages:
        labels.detach(PENDING, token)


def settle(labels: Labels, state: SecretState, token: str) -> None:
    """After a promotion: take what is no longer needed, since another value has been proved live.

    The new current keeps its intent, proof and wrong logins. Versions whose reset was sent earlier lose every mark, so
    that the store may forget them. A candidate that is pending, or was sent later, keeps everything: a late duplicate
    of finishSecret must not make the next rotation forget what it sent.
    """
    settled = state.versions.get(token)
    if settled is None:
        return
    for version in state.versions.values():
        if version.id != token and not _is_in_flight(version, settled):
            for mark in version.marks:
                labels.detach(mark.on(version.id), version.id)
    for mark in settled.marks:
        if mark.kind in _SPENT:
            labels.detach(mark.on(token), token)
    if PENDING in settled.stages:
        labels.detach(PENDING, token)


def _is_in_flight(version: Version, settled: Version) -> bool:
    return PENDING in version.stages or (version.intent or 0) > (settled.intent or 0)
