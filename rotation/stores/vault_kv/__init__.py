"""Vault and OpenBao, KV version 2: the secret is what readers read; what a rotation must remember is kept beside it.

``VaultKv`` is the store, ``HvacKv`` its way to a server. Every write is a check-and-set.
"""

from rotation.stores.vault_kv.cancel import Cancelled
from rotation.stores.vault_kv.hvac_kv import HvacKv, asked
from rotation.stores.vault_kv.journal import JOURNAL_SUFFIX
from rotation.stores.vault_kv.kv import Entry, Kv, Metadata
from rotation.stores.vault_kv.snapshot import BINDING_KEY
from rotation.stores.vault_kv.store import VaultKv, read_current

__all__ = [
    "BINDING_KEY",
    "JOURNAL_SUFFIX",
    "Cancelled",
    "Entry",
    "HvacKv",
    "Kv",
    "Metadata",
    "VaultKv",
    "asked",
    "read_current",
]
