"""What is due: the schedule and the narrower policy that a secret's custom metadata ask for, and the walk of a folder.

``lockstep-every: 30d`` is what makes a secret one of ours; see ``Wishes``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rotation.core.errors import SettingsError
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Kv, Metadata

_PREFIX = "lockstep-"
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHORTEST = 300.0
_NO, _YES = frozenset({"false", "off", "no", "0"}), frozenset({"true", "on", "yes", "1"})
_DEEPEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a secret's custom metadata ask for.

    Attributes:
        every: ``lockstep-every``, seconds between rotations: a number and ``m``, ``h``, ``d`` or ``w``; ``None`` is
            "not on a schedule".
        window: ``lockstep-window``, when a rotation may begin, as in LOCKSTEP_WINDOW.
        enabled: ``lockstep-enabled``.
        length: ``lockstep-length``, of new passwords.
        exclude: ``lockstep-exclude``, characters that new passwords do without.
        shell_safe: ``lockstep-shell-safe``.
        url_safe: ``lockstep-url-safe``.
        mirror: ``lockstep-mirror``, the secret in AWS Secrets Manager that is to hold the same.
    """

    every: float | None = None
    window: Windows = field(default=ANYTIME)
    enabled: bool = True
    length: int | None = None
    exclude: str = ""
    shell_safe: bool = False
    url_safe: bool = False
    mirror: str | None = None

    @classmethod
    def parse(cls, custom: Mapping[str, str]) -> Wishes:
        """Read the keys that begin with ``lockstep-``.

        Raises:
            SettingsError: lists every fault at once; an unknown key is one, since it may be a misspelt wish.
        """
        faults: list[str] = []
        found: dict[str, object] = {}
        for key, text in custom.items():
            if not key.startswith(_PREFIX):
                continue
            name = key.removeprefix(_PREFIX).replace("-", "_")
            reader = _READERS.get(name)
            value, fault = (None, "is unknown") if reader is None else reader(text.strip())
            found[name] = value
            faults.extend([f"{key} {fault}"] if fault else [])
        if faults:
            raise SettingsError("custom metadata", tuple(faults))
        return cls(**found)  # type: ignore[arg-type]  # each reader returns its field's type

    def due_at(self, changed: float) -> float | None:
        """Return when the next rotation is due, given when the value was last written."""
        return None if self.every is None else self.window.next_open(changed + self.every)

    @property
    def narrows(self) -> bool:
        """Whether new passwords must keep more than the vendor's policy."""
        return bool(self.length or self.exclude or self.shell_safe or self.url_safe)


def _every(text: str) -> tuple[object, str]:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    return seconds, "" if seconds >= _SHORTEST else "must be a number and m, h, d or w, 5m at least"


def _window(text: str) -> tuple[object, str]:
    window, faults = Windows.parse(text)
    return window, "; ".join(faults)


def _flag(text: str) -> tuple[object, str]:
    return text.lower() in _YES, "" if text.lower() in _NO | _YES else "must be true or false"


def _length(text: str) -> tuple[object, str]:
    good = re.fullmatch(r"[1-9][0-9]{0,3}", text) is not None
    return (int(text) if good else None), "" if good else "must be a number"


def _any(text: str) -> tuple[object, str]:
    return text, "" if text else "is empty"


_READERS: Mapping[str, Callable[[str], tuple[object, str]]] = {
    "every": _every,
    "window": _window,
    "enabled": _flag,
    "length": _length,
    "exclude": _any,
    "shell_safe": _flag,
    "url_safe": _flag,
    "mirror": _any,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A secret that a walk found.

    Attributes:
        path: relative to the mount.
        metadata: as read.
        has_journal: whether a rotation was ever begun, so that one may be unfinished.
    """

    path: str
    metadata: Metadata
    has_journal: bool


def walk(kv: Kv, folder: str) -> Iterator[Candidate]:
    """Yield every secret in and below a folder whose custom metadata speak of Lockstep, in order.

    Raises:
        StoreError: a folder cannot be listed or an entry's metadata cannot be read.
    """
    yield from _walk(kv, folder.strip("/"), 0)


def _walk(kv: Kv, folder: str, depth: int) -> Iterator[Candidate]:
    start = f"{folder}/" if folder else ""
    names = kv.list(folder)
    for name in names:
        path = start + name
        if name.endswith("/"):
            if depth < _DEEPEST:
                yield from _walk(kv, path.rstrip("/"), depth + 1)
        elif not name.endswith(JOURNAL_SUFFIX):
            metadata = kv.metadata(path)
            if metadata is not None and metadata.readable and any(key.startswith(_PREFIX) for key in metadata.custom):
                yield Candidate(path=path, metadata=metadata, has_journal=name + JOURNAL_SUFFIX in names)
