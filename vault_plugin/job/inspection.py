"""A session for looking at one secret outside of a rotation: for the doctor, the drift check and the dry run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rotation.core.clock import steady
from rotation.core.errors import RotationError
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.deployment.open_session import countdown, open_session
from rotation.doctor.dry_run import Check, Status, rehearse
from rotation.engine.session import Session
from rotation.stores.vault_kv import VaultKv, read_current
from vault_plugin.job.kv_rotation import JobContext
from vault_plugin.job.preconditions import Precondition, preconditions, require_write
from vault_plugin.job.schedule import Wishes


def inspection_session(context: JobContext, path: str, *, spend: bool = False) -> Session:
    """Return a session without a token over a secret; it lasts as long as one step. ``spend`` as in ``Session``.

    Raises:
        SettingsError: the secret's custom metadata are wrong.
        StoreError: the secret cannot be read.
    """
    plain = VaultKv(context.kv, path, clock=context.clock)
    entry = context.kv.read(path)
    wishes = Wishes.parse({} if entry is None else entry.custom)
    binder = binder_of(context)
    announcer = Announcer.of(binder, lambda: path)
    session = open_session(context.wrapped(plain, wishes), binder, ordered=True, announce=announcer)
    return replace(session, spend=spend)


def binder_of(context: JobContext) -> Binder:
    """Return a binder for one secret, which lasts as long as one step."""
    return Binder(
        deployment=context.deployment,
        fetch=partial(read_current, context.kv),
        clock=context.clock,
        time_left=countdown(context.step_seconds, steady(context.clock).now),
    )


def dry_run(context: JobContext, path: str) -> tuple[Check, ...]:
    """Check every precondition of a rotation: those of the job, which ``KvRotation`` makes, and those of the engine.

    Raises:
        RotationError: as ``inspection_session``.
    """
    session = inspection_session(context, path)
    _, *others = preconditions(context.kv, path, session.store)
    return (*map(_checked, others), *rehearse(session, require_write=partial(require_write, context.kv, path)))


def _checked(each: Precondition) -> Check:
    try:
        each.require()
    except RotationError as error:
        return Check(each.name, Status.STOPS, f"{error.code}: {error.message}", error.hint, may_pass=error.retryable)
    return Check(each.name, Status.READY, each.holds)
