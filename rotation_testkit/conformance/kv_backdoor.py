"""The back door of ``StoreConformance`` for a secret in KV version 2, in memory or on a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.stages import PENDING
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Entry, Metadata, VaultKv
from rotation.stores.vault_kv.journal import Journal, Record, Stamp
from rotation_testkit.conformance.store_backdoor import BASE, LIVE, Cut
from rotation_testkit.doubles.vault.kv2 import OperatedKv


class CuttableKv:
    """Ends the process at a chosen write."""

    def __init__(self, kv: OperatedKv) -> None:
        self.kv = kv
        self.left: int | None = None

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        """See ``Kv``."""
        return self.kv.read(path, version=version)

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        """See ``Kv``."""
        if self.left is not None:
            if self.left == 0:
                raise Cut
            self.left -= 1
        return self.kv.write(path, document, cas=cas)

    def require_write(self, path: str) -> None:
        """See ``Kv``."""
        self.kv.require_write(path)

    def metadata(self, path: str) -> Metadata | None:
        """See ``Kv``."""
        return self.kv.metadata(path)

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """See ``Kv``."""
        self.kv.annotate(path, custom)

    def list(self, folder: str) -> list[str]:
        """See ``Kv``."""
        return self.kv.list(folder)


class KvDoor:
    """A ``Backdoor``: a rotation with the token ``BASE`` has committed the secret's version 1."""

    def __init__(self, kv: OperatedKv, path: str, clock: Clock) -> None:
        self.kv, self.path, self.clock = kv, path, clock
        self.cuttable = CuttableKv(kv)
        first = kv.write(path, LIVE, cas=0)
        journal = Journal({BASE: Record(stamp=Stamp(first.version, first.created))})
        kv.write(self.journal, journal.dump(), cas=0)

    @property
    def journal(self) -> str:
        """The journal's path."""
        return self.path + JOURNAL_SUFFIX

    def store(self) -> VaultKv:
        """See ``Backdoor``."""
        return VaultKv(self.cuttable, self.path, clock=self.clock)

    def begin(self, token: str) -> None:
        """See ``Backdoor``."""
        store = self.store()
        store.attach(PENDING, store.begin(token))

    def put_text(self, token: str, text: Secret) -> None:
        """See ``Backdoor``."""
        kept = self.kv.read(self.journal)
        assert kept is not None
        journal = Journal.parse(kept.document)
        journal.records[token] = Record({PENDING}, text)
        self.kv.write(self.journal, journal.dump(), cas=kept.version)

    def strip(self, token: str, stage: str) -> None:
        """See ``Backdoor``."""
        self.store().detach(stage, token)

    def disable(self) -> None:
        """See ``Backdoor``."""
        self.kv.configure(self.path, custom={"lockstep-enabled": "false"})

    @contextmanager
    def cut_after(self, operations: int) -> Iterator[None]:
        """See ``Backdoor``."""
        self.cuttable.left = operations
        try:
            yield
        finally:
            self.cuttable.left = None
