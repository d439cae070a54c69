"""What a secret's custom metadata ask for, when the secret is due, and the walk that finds such secrets in a folder.

A secret with ``lockstep-every`` is due that long after its password was last changed, or, if the window is closed then,
when the window opens next. Example: with ``lockstep-every: 30d`` and ``lockstep-window: Sat,Sun 02:00-05:00 UTC``, a
password of Wednesday 1 January, 12:00, is 30 days old on Friday 31 January at 12:00, so its rotation is due on Saturday
1 February at 02:00 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from rotation.core.errors import SecretNotFound, SettingsError, StoreError, StoreUnavailable
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.policy import wishes
from rotation.stores.vault_kv import BINDING_KEY, JOURNAL_SUFFIX, Kv, Metadata

T = TypeVar("T")
_PREFIX = "lockstep-"
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHORTEST = 300.0
_DEEPEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a secret's custom metadata ask for, besides the wishes for passwords, which the engine reads.

    Attributes:
        every: ``lockstep-every``, seconds between rotations, written as a number and ``m``, ``h``, ``d`` or ``w``;
            ``None`` if the secret has no schedule.
        window: ``lockstep-window``, when a rotation may begin, as in LOCKSTEP_WINDOW.
        enabled: ``lockstep-enabled``.
        mirror: ``lockstep-mirror``, the secret in AWS Secrets Manager that holds the same value.
    """

    every: float | None = None
    window: Windows = field(default=ANYTIME)
    enabled: bool = True
    mirror: str | None = None

    @classmethod
    def parse(cls, custom: Mapping[str, str]) -> Wishes:
        """Read the keys that begin with ``lockstep-``.

        Raises:
            SettingsError: lists every fault at once, those of wishes for passwords too; an unknown key is a fault,
                since it may be a misspelt one.
        """
        faults: list[str] = []
        found: dict[str, object] = {}
        for key, text in custom.items():
            if not key.startswith(_PREFIX) or key == BINDING_KEY:
                continue
            name = wishes.name_of(key)
            try:
                if name in _READERS:
                    found[name] = _READERS[name](text.strip())
                elif fault := wishes.fault_of(key, text) or ("" if name in wishes.READERS else "is unknown"):
                    faults.append(f"{key} {fault}")
            except ValueError as wrong:
                faults.append(f"{key} {'; '.join(wrong.args)}")
        if faults:
            raise SettingsError("custom metadata", tuple(faults))
        return cls(**found)  # type: ignore[arg-type]  # each reader returns its field's type

    def due_at(self, changed: float) -> float | None:
        """Return the epoch of the next rotation, given when the password was set; ``None`` without a schedule."""
        return None if self.every is None else self.window.next_open(changed + self.every)


def _every(text: str) -> float:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if seconds < _SHORTEST:
        raise ValueError("must be a number and m, h, d or w, 5m at least")
    return seconds


def _any(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


_READERS: Mapping[str, Callable[[str], object]] = {
    "every": _every,
    "window": Windows.parse,
    "enabled": wishes.flag,
    "mirror": _any,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSecret:
    """A secret that a walk found.

    Attributes:
        path: the secret's path in the mount.
        metadata: its metadata.
        has_journal: whether a rotation was ever begun; then one may be unfinished.
    """

    path: str
    metadata: Metadata
    has_journal: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder or an entry that a walk could not look at, and why. The walk continues."""

    path: str
    error: StoreError


def walk(kv: Kv, folder: str) -> Iterator[ScheduledSecret | Unreadable]:
    """Yield every secret in and below a folder whose custom metadata name Lockstep, in order.

    Raises:
        StoreError: the folder itself cannot be listed, or the server does not answer.
        SecretNotFound: there is nothing in the folder, so its name may be mistyped.
    """
    start = folder.strip("/")
    names = kv.list(start)
    if start and not names:
        raise SecretNotFound(
            f"there is no folder {start} in the mount",
            hint="A prefix is a folder's path without the mount's. A single secret is rotated by `vault rotate PATH`.",
        )
    yield from _walk(kv, start, names, 0)


def _walk(kv: Kv, folder: str, names: list[str], depth: int) -> Iterator[ScheduledSecret | Unreadable]:
    start = f"{folder}/" if folder else ""
    for name in names:
        path = start + name
        if name.endswith("/"):
            below = _tried(path, partial(kv.list, path.rstrip("/")))
            if isinstance(below, Unreadable):
                yield below
            elif below and depth < _DEEPEST:
                yield from _walk(kv, path.rstrip("/"), below, depth + 1)
        elif not name.endswith(JOURNAL_SUFFIX):
            metadata = _tried(path, partial(kv.metadata, path))
            if isinstance(metadata, Unreadable):
                yield metadata
            elif metadata is not None and metadata.readable and any(map(_is_ours, metadata.custom)):
                yield ScheduledSecret(path=path, metadata=metadata, has_journal=name + JOURNAL_SUFFIX in names)


def _is_ours(key: str) -> bool:
    return key.startswith(_PREFIX)


def _tried(path: str, look: Callable[[], T]) -> T | Unreadable:
    """Return what a look shows, or why it shows nothing; a server that does not answer ends the walk."""
    try:
        return look()
    except StoreUnavailable:
        raise
    except StoreError as error:
        return Unreadable(path, error.changed())
