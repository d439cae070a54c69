"""Find for each secret below a folder when its password was changed, when it is due, and what it waits for.

The job and ``vault status`` ask here, so that a secret is due for both at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from rotation.core.clock import Clock
from rotation.core.errors import InternalError, RotationError
from rotation.state import waiting
from rotation.state.parking import Next, needs_human, who_acts
from rotation.state.waiting import Wait
from rotation.stores.vault_kv import Kv, VaultKv
from vault_plugin.job.schedule import ScheduledSecret, Unreadable, Wishes, walk


class Turn(StrEnum):
    """What ``vault run`` does with a secret now."""

    FAULTY = "faulty"
    """Nothing: it cannot be looked at, or its custom metadata are wrong."""
    UNFINISHED = "unfinished"
    """It continues the rotation that an earlier run left."""
    DUE = "due"
    """It begins a rotation."""
    WAITING = "waiting"
    """Nothing before the time."""
    OFF = "off"
    """Nothing: it is switched off, or has no schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretStatus:
    """One secret.

    Attributes:
        path: its path in the mount.
        turn: see ``Turn``.
        wishes: what its custom metadata ask for.
        window: the text of its window; empty where it has none.
        changed: when the password was last changed, in epoch seconds; ``None`` if no version shows it.
        due: when its schedule has it rotated; ``None`` without a schedule.
        wait: why and until when nothing is tried, where an attempt is parked.
        error: why it is faulty.
    """

    path: str
    turn: Turn
    wishes: Wishes = field(default_factory=Wishes)
    window: str = ""
    changed: float | None = None
    due: float | None = None
    wait: Wait | None = None
    error: RotationError | None = None

    @property
    def needs_human(self) -> bool:
        """Whether another run alone changes nothing."""
        if self.error is not None:
            return who_acts(self.error) is Next.NEEDS_HUMAN
        return self.wait is not None and needs_human(self.wait.reason)

    def describe(self) -> dict[str, object]:
        """Return the fields of ``--json``; the keys are always the same."""
        return {
            "path": self.path,
            "turn": self.turn.value,
            "changed": self.changed,
            "due": self.due,
            "every_seconds": self.wishes.every,
            "window": self.window or None,
            "reason": None if self.wait is None else self.wait.reason,
            "not_before": None if self.wait is None else self.wait.until,
            "needs_human": self.needs_human,
            "error": None if self.error is None else self.error.describe(),
        }


def secret_statuses(kv: Kv, folder: str, clock: Clock, *, parked: bool = False) -> Iterator[SecretStatus]:
    """Yield the status of every secret in and below a folder, in the order of the walk.

    Args:
        kv: the mount.
        folder: the folder.
        clock: tells what is due.
        parked: also read of each secret with a journal whether an attempt is parked, and when the password was changed
            where that does not decide whether it is due.

    Raises:
        StoreError: the folder cannot be listed, or there is none.
    """
    for secret in walk(kv, folder):
        if isinstance(secret, Unreadable):
            yield SecretStatus(path=secret.path, turn=Turn.FAULTY, error=secret.error)
            continue
        try:
            found = _status(kv, secret, clock, parked=parked)
        except RotationError as error:
            found = SecretStatus(path=secret.path, turn=Turn.FAULTY, error=error)
        except Exception as foreign:  # noqa: BLE001 - the others have their turn all the same
            found = SecretStatus(path=secret.path, turn=Turn.FAULTY, error=InternalError.of(foreign))
        yield found


def _status(kv: Kv, secret: ScheduledSecret, clock: Clock, *, parked: bool) -> SecretStatus:
    wishes, custom = Wishes.parse(secret.metadata.custom), secret.metadata.custom
    now, store = clock.now(), VaultKv(kv, secret.path, clock=clock)
    changed: float | None = secret.metadata.created or 0.0
    due = wishes.due_at(secret.metadata.created or 0.0)
    scheduled = wishes.enabled and due is not None
    unfinished = store.unfinished() if secret.has_journal and (scheduled or parked) else None
    earliest = wishes.due_at(secret.metadata.begun)
    overtaken = due is not None and due > now and earliest is not None and earliest <= now
    if secret.metadata.version > 1 and (parked or (overtaken and unfinished is None)):
        changed = store.password_since()
        due = (earliest if changed is None else wishes.due_at(changed)) or due
    turn = Turn.OFF
    if scheduled:
        turn = Turn.UNFINISHED if unfinished else Turn.DUE if due is not None and due <= now else Turn.WAITING
    return SecretStatus(
        path=secret.path,
        turn=turn,
        wishes=wishes,
        window=custom.get("lockstep-window", "").strip(),
        changed=changed,
        due=due,
        wait=_wait(store, unfinished, now) if parked and secret.has_journal else None,
    )


def _wait(store: VaultKv, unfinished: str | None, now: float) -> Wait | None:
    state = store.remembered() or store.describe()
    return waiting.earliest(now, waiting.noted(state, unfinished or state.current_id or ""))
