"""``vault run``: rotate every secret that is due."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.on_commit import OnCommit, OnCommitCommand
from rotation.cli.output import Json, console, emit, note
from rotation.core.errors import Interrupted
from rotation.core.process import stop
from rotation.core.scrub import printable
from vault_plugin.cli.shared import Attempts, code_of, job_environment, show, show_failure

if TYPE_CHECKING:
    from vault_plugin.job.due_secrets import Plan
    from vault_plugin.job.kv_rotation import Rotated


def run(  # noqa: PLR0913 - one option each
    *,
    prefix: Annotated[str, typer.Option(help="Folder in the mount; by default the whole mount.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many rotations run at the same time.")] = 4,
    per_minute: Annotated[
        float, typer.Option(min=0.1, help="How many rotations of one vendor account begin in a minute, at most.")
    ] = 30.0,
    attempts: Attempts = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is due and change nothing.")] = False,
    on_commit: OnCommitCommand = "",
    as_json: Json = False,
) -> int:
    """Finish every unfinished rotation below a folder, and rotate every secret there that is due.

    The custom metadata of a secret has its schedule: `lockstep-every` (30d, 12h), `lockstep-window` ("Sat,Sun
    02:00-05:00 UTC"), `lockstep-enabled`. The time counts from the last change of the password. A new secret, whose
    password no rotation has proved yet, counts from its creation. docs/vault-kv.md has more keys.
    """
    from vault_plugin.job.due_secrets import DueSecretsJob
    from vault_plugin.job.mirroring import with_mirror

    with job_environment() as (deployment, login, clock):
        job = DueSecretsJob(
            connect=lambda seconds: login.kv(seconds=seconds),
            deployment=deployment,
            clock=clock,
            jobs=jobs,
            per_minute=per_minute,
            attempts=attempts,
            wrap_store=with_mirror(),
        )
        plan = job.plan(prefix)
        if dry_run:
            return _show_plan(plan, as_json=as_json)
        consumers, total = OnCommit.of(on_commit), len(plan.due) + len(plan.faulty)
        ended: list[Rotated] = []
        if not as_json:
            note(f"{total} due, {plan.waiting} waiting, {plan.off} off or without a schedule")
        try:
            with stop.work():
                ended.extend(followed(_shown(job.run(plan), total, as_json=as_json), job.late, consumers))
        except stop.Halted:
            raise _stopped(ended, total) from None
    if as_json:
        emit({"event": "summary", "due": total, "failed": _failed(ended), "waiting": plan.waiting, "off": plan.off})
    elif ended:
        show(ended)
    if stop.requested() and (_failed(ended) or len(ended) < total):
        raise _stopped(ended, total)
    return code_of(ended)


def followed(shown: Generator[Rotated], late: list[Rotated], consumers: OnCommit) -> Iterator[Rotated]:
    """Yield the rotations, so that what came before an exception is kept, and run the command of ``--on-commit``.

    Args:
        shown: the rotations as they end.
        late: those that have ended after the process had to stop at once.
        consumers: the command.
    """
    with consumers.heeded():
        try:
            with closing(shown):
                for each in shown:
                    try:
                        yield each
                    finally:
                        if each.committed:
                            consumers.committed(each.path)
        finally:
            for each in late:
                if each.committed:
                    consumers.committed(each.path)


def _failed(ended: list[Rotated]) -> int:
    return sum(each.error is not None for each in ended)


def _stopped(ended: list[Rotated], total: int) -> Interrupted:
    """Return the error that says where a stopped run stands and how to continue."""
    failed = _failed(ended)
    return Interrupted(
        f"stopped: of {total} due secrets {len(ended) - failed} are rotated, {failed} have failed or stopped halfway, "
        f"and {total - len(ended)} have not ended or not begun",
        hint="`lockstep vault run` with the same options continues: what was begun is finished under its own token.",
    )


def _show_plan(plan: Plan, *, as_json: bool) -> int:
    for each in plan.due:
        if as_json:
            emit({"event": "due", "path": each.path})
        else:
            sys.stdout.write(printable(each.path) + "\n")
    for faulty in plan.faulty:
        if as_json:
            emit({"event": "rotation", **faulty.describe()})
        else:
            show_failure(faulty)
    counts = {"due": len(plan.due), "failed": len(plan.faulty), "waiting": plan.waiting, "off": plan.off}
    if as_json:
        emit({"event": "summary", **counts})
    else:
        note(
            "{due} due, {failed} cannot be rotated, {waiting} waiting, {off} off or without a schedule".format(**counts)
        )
    return code_of(plan.faulty)


def _shown(ended: Iterator[Rotated], total: int, *, as_json: bool) -> Generator[Rotated]:
    """Yield the rotations as they end, and show each as a JSON line, or a progress bar on a terminal."""
    if as_json or not sys.stderr.isatty():
        for each in ended:
            if as_json:
                emit({"event": "rotation", **each.describe()})
            yield each
        return
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("rotating", total=total)
        for each in ended:
            bar.update(task, advance=1, description=escape(printable(each.path)))
            yield each
