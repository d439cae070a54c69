"""The contract of a KV version 2 mount, for the store and the job; ``HvacKv`` and the kit's model implement it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rotation.core.document import SecretDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One version of an entry.

    Attributes:
        version: its number; 1 is the first.
        created: when it was written, as the server spells it. Tells apart versions of two entries of one name.
        document: its fields; ``None`` when the version was deleted or destroyed.
        custom: the entry's custom metadata.
    """

    version: int
    created: str
    document: SecretDocument | None
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> float:
        """``created`` in epoch seconds."""
        return datetime.fromisoformat(self.created).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known about an entry without reading it.

    Attributes:
        version: number of the newest version; 0 when there is none yet.
        created: when the newest version was written, in epoch seconds; ``None`` without one.
        readable: whether the newest version is neither deleted nor destroyed.
        custom: the custom metadata.
        begun: when the entry was made, in epoch seconds.
    """

    version: int
    created: float | None
    readable: bool
    custom: Mapping[str, str] = field(default_factory=dict)
    begun: float = 0.0


class Kv(Protocol):
    """One mount. Paths are relative to it."""

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        """Return the newest version, or the one of that number; ``None`` when there is none.

        Raises:
            StoreError: ``StoreDenied``, ``StoreUnavailable``; ``vendor_code`` says why.
        """
        ...

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        """Write the next version if the newest one's number is ``cas``; 0 means that there is none.

        Raises:
            StageConflict: it is not.
            StoreError: as ``read``; after ``StoreUnavailable`` it is unknown whether the write took place.
        """
        ...

    def require_write(self, path: str) -> None:
        """Raise unless an entry, which need not exist, may be written. Nothing is changed.

        Raises:
            StoreError: as ``read``; ``StoreDenied`` where the right is missing.
        """
        ...

    def metadata(self, path: str) -> Metadata | None:
        """Return an entry's metadata, ``None`` when there is no such entry.

        Raises:
            StoreError: as ``read``.
        """
        ...

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """Replace an entry's custom metadata, also before its first version; its other settings stay.

        Raises:
            StoreError: as ``read``.
        """
        ...

    def list(self, folder: str) -> list[str]:
        """Return the names in a folder; those of folders end with a slash.

        Raises:
            StoreError: as ``read``.
        """
        ...
