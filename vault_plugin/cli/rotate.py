"""``vault rotate``: rotate one secret now."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.on_commit import OnCommit, OnCommitCommand
from rotation.cli.output import Json, SpendATry, about, emit, note
from rotation.core.errors import RotationError
from rotation.core.process import stop
from vault_plugin.cli.shared import Attempts, SecretPath, code_of, job_context, show

if TYPE_CHECKING:
    from vault_plugin.job.kv_rotation import JobContext


def rotate(  # noqa: PLR0913 - one option each
    path: SecretPath,
    *,
    attempts: Attempts = 3,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check every precondition and name everything that would stop a rotation; change nothing."
        ),
    ] = False,
    spend_a_try: SpendATry = False,
    on_commit: OnCommitCommand = "",
    as_json: Json = False,
) -> int:
    """Rotate one secret of a KV version 2 engine now, whatever its schedule says.

    The command resumes an unfinished rotation with its token and its candidate. Otherwise it begins a new rotation. The
    journal of the rotation is in PATH.lockstep. Readers get a dead password only between the vendor's change and the
    commit; the command prints the length of this gap.

    --dry-run changes nothing and names everything that would stop a rotation. It exits 0 when nothing would stop it, 3
    when it must only wait, 4 when somebody must act, 1 when the obstacle may pass by itself.
    """
    with about({"path": path}):
        if dry_run:
            return _dry_run(path, as_json=as_json)
        consumers = OnCommit.of(on_commit)
        return _rotate(path, 1 if spend_a_try else attempts, consumers, spend=spend_a_try, as_json=as_json)


def _rotate(path: str, attempts: int, consumers: OnCommit, *, spend: bool, as_json: bool) -> int:
    from vault_plugin.job.kv_rotation import KvRotation
    from vault_plugin.job.schedule import Wishes

    def show_step(step: str, outcome: str) -> None:
        if not as_json:
            note(f"{step}: {outcome}")

    with job_context(steps=4) as context:
        entry = context.kv.read(path)
        wishes = Wishes.parse({} if entry is None else entry.custom)
        rotation = KvRotation(context=context, path=path, wishes=wishes, ordered=True, spend=spend, on_step=show_step)
        done = None
        try:
            with stop.work(), consumers.heeded():
                try:
                    done = rotation.run(attempts=attempts)
                finally:
                    if rotation.committed:
                        consumers.committed(path)
        except stop.Halted:
            if done is not None and done.error is None:
                raise  # what did not end is the command of --on-commit
            raise _stopped(context, path, rotation.token) from None
        if done.error is not None and stop.requested():
            done.error = _stopped(context, path, done.token)
            done.outcome = done.error.code
    if as_json:
        emit(done.describe())
    else:
        show([done])
    return code_of([done])


def _stopped(context: JobContext, path: str, token: str) -> RotationError:
    """Return the error that says where a stopped rotation stands and how to continue."""
    from rotation.cli.commands.rotate import stopped
    from rotation.stores.vault_kv import VaultKv

    try:
        state = VaultKv(context.kv, path, clock=context.clock).describe()
        sent = token in state.versions and state.version(token).intent is not None
    except RotationError:
        sent = True
    return stopped(token, f"lockstep vault rotate {quote(path)}", sent=sent)


def _dry_run(path: str, *, as_json: bool) -> int:
    from rotation.cli.commands.rotate import show_checks
    from vault_plugin.job.inspection import dry_run

    with job_context(steps=4) as context:  # as the rotation, so that its token is long enough for that, too
        checks = dry_run(context, path)
    return show_checks(checks, {"path": path}, as_json=as_json)
