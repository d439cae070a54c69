"""One secret looked at, and put right, from outside a rotation: what doctor, drift check and rehearsal run over."""

from __future__ import annotations

from functools import partial

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict, StoreError
from rotation.deployment.binder import Binder
from rotation.deployment.open_session import countdown, open_session
from rotation.engine.session import Session
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Kv, VaultKv, read_current
from vault_plugin.job.kv_rotation import Place, wished
from vault_plugin.job.schedule import Wishes

_NO_VERSION = 2**31 - 1


def looking_at(place: Place, path: str) -> Session:
    """Return a session of one step's length over a secret; it has no token.

    Raises:
        SettingsError: the secret's custom metadata are wrong.
        StoreError: the secret cannot be read.
    """
    plain = VaultKv(place.kv, path, clock=place.clock)
    entry = place.kv.read(path)
    wishes = Wishes.parse({} if entry is None else entry.custom)
    binder = Binder(
        deployment=place.deployment,
        fetch=partial(read_current, place.kv),
        clock=place.clock,
        time_left=countdown(place.step_seconds, place.clock.now),
    )
    return open_session(
        place.over(plain, wishes),
        binder,
        bind=lambda document: wished(binder(document), wishes, ordered=True),
        ordered=True,
    )


def require_write(kv: Kv, path: str) -> None:
    """Find out whether the secret and its journal may be written, and change nothing.

    A check-and-set that cannot succeed is refused as lost where the right is there (OpenBao 2.7.2, measured 2026-11).

    Raises:
        StoreError: one of them may not be written.
    """
    for each in (path, path + JOURNAL_SUFFIX):
        try:
            kv.write(each, SecretDocument({"lockstep": "rehearsal"}), cas=_NO_VERSION)
        except StageConflict:
            continue
        raise StoreError("the mount took a check-and-set that could not succeed; it is no KV version 2 engine")
