"""A session for looking at one secret outside of a rotation: for the doctor, the drift check and the dry run."""

from __future__ import annotations

from functools import partial

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict, StoreError
from rotation.deployment.binder import Binder
from rotation.deployment.open_session import countdown, open_session
from rotation.engine.session import Session
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Kv, VaultKv, read_current
from vault_plugin.job.kv_rotation import JobContext, wished
from vault_plugin.job.schedule import Wishes

_NO_VERSION = 2**31 - 1


def inspection_session(context: JobContext, path: str) -> Session:
    """Return a session without a token over a secret; it lasts as long as one step.

    Raises:
        SettingsError: the secret's custom metadata are wrong.
        StoreError: the secret cannot be read.
    """
    plain = VaultKv(context.kv, path, clock=context.clock)
    entry = context.kv.read(path)
    wishes = Wishes.parse({} if entry is None else entry.custom)
    binder = Binder(
        deployment=context.deployment,
        fetch=partial(read_current, context.kv),
        clock=context.clock,
        time_left=countdown(context.step_seconds, context.clock.now),
    )
    return open_session(
        context.wrapped(plain, wishes),
        binder,
        bind=lambda document: wished(binder(document), wishes, ordered=True),
        ordered=True,
    )


def require_write(kv: Kv, path: str) -> None:
    """Raise unless the secret and its journal may be written. Nothing is changed.

    A check-and-set that cannot succeed fails as a conflict where the token may write (OpenBao 2.7.2, measured 2026-11).

    Raises:
        StoreError: one of them may not be written.
    """
    for each in (path, path + JOURNAL_SUFFIX):
        try:
            kv.write(each, SecretDocument({"lockstep": "rehearsal"}), cas=_NO_VERSION)
        except StageConflict:
            continue
        raise StoreError("the mount took a check-and-set that could not succeed; it is not a KV version 2 engine")
