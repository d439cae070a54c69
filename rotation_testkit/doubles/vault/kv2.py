"""A strict KV version 2 engine in memory, and one on a real server, with the same interface and the same tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import hvac

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict, StoreError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.stores.vault_kv import Entry, HvacKv, Kv, Metadata

_DEFAULT_VERSIONS = 10
_PATIENCE = 60.0


class OperatedKv(Kv, Protocol):
    """A mount with the operations of an operator."""

    def delete(self, path: str) -> None:
        """Delete the newest version; it can be brought back."""
        ...

    def undelete(self, path: str, version: int) -> None:
        """Bring a deleted version back."""
        ...

    def destroy(self, path: str, version: int) -> None:
        """Destroy a version for good; its number is not used again."""
        ...

    def remove(self, path: str) -> None:
        """Delete an entry with its metadata: the next write is version 1 again."""
        ...

    def configure(self, path: str, *, max_versions: int = 0, custom: Mapping[str, str] | None = None) -> None:
        """Set an entry's metadata, also before its first version."""
        ...


class ServedKv(HvacKv):
    """``OperatedKv`` on a real server, through a client with every right."""

    def __init__(self, client: hvac.Client, mount: str) -> None:
        super().__init__(client, mount)
        self._operator, self._at = client.secrets.kv.v2, mount

    def delete(self, path: str) -> None:
        """See ``OperatedKv``."""
        self._operator.delete_latest_version_of_secret(path, mount_point=self._at)

    def undelete(self, path: str, version: int) -> None:
        """See ``OperatedKv``."""
        self._operator.undelete_secret_versions(path, [version], mount_point=self._at)

    def destroy(self, path: str, version: int) -> None:
        """See ``OperatedKv``."""
        self._operator.destroy_secret_versions(path, [version], mount_point=self._at)

    def remove(self, path: str) -> None:
        """See ``OperatedKv``."""
        self._operator.delete_metadata_and_all_versions(path, mount_point=self._at)

    def configure(self, path: str, *, max_versions: int = 0, custom: Mapping[str, str] | None = None) -> None:
        """See ``OperatedKv``."""
        self._operator.update_metadata(
            path, max_versions=max_versions, custom_metadata=dict(custom or {}), mount_point=self._at
        )


def mounted(client: hvac.Client, mount: str) -> ServedKv:
    """Mount an engine and return it once it serves."""
    client.sys.enable_secrets_engine("kv", path=mount, options={"version": "2"})
    return until_it_serves(ServedKv(client, mount))


def until_it_serves(kv: ServedKv) -> ServedKv:
    """Return the engine once it serves: it needs a moment after the mount or the start of its server."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            kv.read("lockstep/is/it/ready")
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return kv


@dataclass(slots=True)
class _Version:
    created: datetime
    text: Secret
    deleted: bool = False
    destroyed: bool = False


@dataclass(slots=True)
class _Held:
    newest: int = 0
    versions: dict[int, _Version] = field(default_factory=dict)
    max_versions: int = 0
    custom: dict[str, str] = field(default_factory=dict)
    begun: float = 0.0


class Kv2:
    """``OperatedKv`` in memory, with the rules of OpenBao 2.7.2; the tests compare both.

    Args:
        now: epoch seconds, for ``created``.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, _Held] = {}
        self._lock = threading.RLock()

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        """See ``Kv``."""
        with self._lock:
            held = self._entries.get(_normal(path))
            found = None if held is None else held.versions.get(version or held.newest)
            if held is None or found is None:
                return None
            gone = found.deleted or found.destroyed
            return Entry(
                version=version or held.newest,
                created=_spelled(found.created),
                document=None if gone else SecretDocument.parse(found.text.reveal()),
                custom=dict(held.custom),
            )

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        """See ``Kv``."""
        with self._lock:
            held = self._entries.get(_normal(path)) or _Held(begun=self._now())
            if cas != held.newest:
                raise StageConflict("the entry was written by another client", vendor_code="check_and_set")
            self._entries[_normal(path)] = held
            held.newest += 1
            made = datetime.fromtimestamp(self._now(), UTC)
            held.versions[held.newest] = _Version(made, _as_kept(document.dump()))
            self._prune(held)
            return Entry(version=held.newest, created=_spelled(made), document=document, custom=dict(held.custom))

    def require_write(self, path: str) -> None:
        """See ``Kv``; the model has no tokens, so that everything may be written."""

    def metadata(self, path: str) -> Metadata | None:
        """See ``Kv``."""
        with self._lock:
            held = self._entries.get(_normal(path))
            if held is None:
                return None
            newest = held.versions.get(held.newest)
            return Metadata(
                version=held.newest,
                created=None if newest is None else newest.created.timestamp(),
                readable=newest is not None and not newest.deleted and not newest.destroyed,
                custom=dict(held.custom),
                begun=held.begun,
            )

    def list(self, folder: str) -> list[str]:
        """See ``Kv``."""
        with self._lock:
            start = _normal(folder) + "/" if _normal(folder) else ""
            rest = [path.removeprefix(start) for path in self._entries if path.startswith(start)]
            return sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in rest})

    def delete(self, path: str) -> None:
        """See ``OperatedKv``."""
        with self._lock:
            held = self._held(path)
            held.versions[held.newest].deleted = True

    def undelete(self, path: str, version: int) -> None:
        """See ``OperatedKv``."""
        with self._lock:
            self._held(path).versions[version].deleted = False

    def destroy(self, path: str, version: int) -> None:
        """See ``OperatedKv``."""
        with self._lock:
            found = self._held(path).versions[version]
            found.destroyed, found.text = True, Secret("{}")

    def remove(self, path: str) -> None:
        """See ``OperatedKv``."""
        with self._lock:
            self._entries.pop(_normal(path), None)

    def configure(self, path: str, *, max_versions: int = 0, custom: Mapping[str, str] | None = None) -> None:
        """See ``OperatedKv``."""
        with self._lock:
            held = self._entries.setdefault(_normal(path), _Held(begun=self._now()))
            held.max_versions, held.custom = max_versions, dict(custom or {})

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """See ``Kv``."""
        with self._lock:
            self._entries.setdefault(_normal(path), _Held()).custom = dict(custom)

    def _held(self, path: str) -> _Held:
        held = self._entries.get(_normal(path))
        if held is None:
            raise StoreError("there is no such entry")
        return held

    @staticmethod
    def _prune(held: _Held) -> None:
        for number in sorted(held.versions)[: -(held.max_versions or _DEFAULT_VERSIONS)]:
            del held.versions[number]


def _normal(path: str) -> str:
    return path.strip("/")


def _spelled(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _as_kept(text: Secret) -> Secret:
    """Return the text as the server returns it: keys sorted, every number through a float."""
    return Secret(_WRITER.encode(_READER.decode(text.reveal())))


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number  # noqa: PLR2004 - as Go writes floats


_READER = json.JSONDecoder(parse_int=_number, parse_float=_number)
_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
