"""What the store suite uses: documents, version ids, the back door, and helpers that read a store's labels."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.state import marks
from rotation.state.lease import Claim
from rotation.state.marks import Mark
from rotation.state.store import Store

BASE = "00000000-0000-4000-8000-000000000000"
FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
UNKNOWN = "99999999-9999-4999-8999-999999999999"
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
NOW = 1_700_000_000.0
LABELS_PER_SECRET = 20
"""AWS's quota, over all versions of a secret (quotas page, read 2026-11)."""

LIVE = SecretDocument(
    {"driver": "acme", "username": "root", "password": "live-Ä😀", "own": {"b": 1, "a": [None, True]}}
)
NEXT = LIVE.replaced(password="next", lockstep={"variant": "linux"})  # noqa: S106 - test data
OTHER = LIVE.replaced(password="canary")  # noqa: S106 - test data


class Cut(BaseException):
    """The process ends here. No ``Exception``, so that no code handles it."""


class Backdoor(Protocol):
    """What an operator and the service may do to the secret without the store, and how a crash is made.

    A new secret has the current version ``BASE`` with the value ``LIVE``, rotation enabled, and nothing pending.
    """

    def store(self) -> Store:
        """Return a store for the secret, as a fresh process would make it."""
        ...

    def begin(self, token: str) -> None:
        """Make an empty version that carries AWSPENDING, as the service does when a rotation starts."""
        ...

    def put_text(self, token: str, text: Secret) -> None:
        """Put a value under AWSPENDING without the store."""
        ...

    def strip(self, token: str, stage: str) -> None:
        """Take a stage from a version."""
        ...

    def disable(self) -> None:
        """Switch rotation off."""
        ...

    def cut_after(self, operations: int) -> AbstractContextManager[None]:
        """Within the block, raise ``Cut`` after ``operations`` label operations."""
        ...


def promoted(door: Backdoor) -> None:
    """Stage, mark, promote and settle a candidate."""
    door.store().stage(FIRST, NEXT)
    door.store().mark(FIRST, marks.intent(NOW))
    door.store().promote(FIRST, current_id=BASE)
    door.store().settle(FIRST)


def every_mark() -> list[Mark]:
    """Return one mark of each kind."""
    return [
        marks.intent(NOW),
        marks.task("task-1"),
        marks.accepted(NOW),
        marks.rejected(1, NOW),
        marks.parked("too_soon", NOW),
        marks.proof(Evidence.LOGIN),
    ]


def labels_of(door: Backdoor) -> dict[str, set[str]]:
    """Return each version's labels as a fresh process sees them."""
    return {key: set(version.labels) for key, version in door.store().describe().versions.items()}


def settled_labels(door: Backdoor) -> dict[str, set[str]]:
    """Return the labels without those of runs: leases, whose generation counts the attempts, and intents."""
    mine = ("lockstep:lease:", "lockstep:intent:")
    kept = {key: {one for one in labels if not one.startswith(mine)} for key, labels in labels_of(door).items()}
    return {key: labels for key, labels in kept.items() if labels}


def stored_text(door: Backdoor, version_id: str) -> Secret | None:
    """Return a version's text, ``None`` when it has no value."""
    value = door.store().read(version_id)
    return None if value is None else value.document.dump()


def claim(holder: str, *, until: float, now: float = 0) -> Claim:
    """Return a claim; times are seconds after ``NOW``."""
    return Claim(holder, NOW + now, NOW + until)


def acquire(door: Backdoor, token: str, holder: str, *, until: float, now: float = 0) -> None:
    """Describe the secret and take the lease."""
    door.store().acquire(token, door.store().describe(), claim(holder, until=until, now=now))


def prepare(door: Backdoor, name: str) -> None:
    """Bring a secret into a state in which the named operation has an effect."""
    door.store().stage(FIRST, NEXT)
    for mark in every_mark():
        door.store().mark(FIRST, mark)
    if name == "yield_lease":
        acquire(door, FIRST, "aa", until=60)
    if name == "settle":
        door.store().promote(FIRST, current_id=BASE)


def operate(door: Backdoor, name: str, *, now: float) -> None:
    """Run the named operation as a fresh process does."""
    store = door.store()
    if name == "acquire":
        acquire(door, FIRST, "aa" if now == 0 else "bb", now=now, until=now + 60)
    elif name == "yield_lease":
        store.yield_lease(FIRST, holder="aa")
    elif name == "promote":
        store.promote(FIRST, current_id=BASE)
    elif name == "release":
        store.release(FIRST)
    else:
        store.settle(FIRST)


def cut_then_repeat(door: Backdoor, name: str, operations: int) -> bool:
    """Return whether the operation was cut off. The repetition starts after the dead run's lease has ended."""
    prepare(door, name)
    try:
        with door.cut_after(operations):
            operate(door, name, now=0)
    except Cut:
        operate(door, name, now=200)
        return True
    return False
