"""``vault run``: everything that is due."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.output import Json, console, emit, note
from vault_plugin.cli.shared import code_of, show, show_errors, surroundings

if TYPE_CHECKING:
    from vault_plugin.job.kv_rotation import Rotated


def run(  # noqa: PLR0913 - one option each
    *,
    prefix: Annotated[str, typer.Option(help="Folder in the mount; empty for all of it.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Rotations at a time.")] = 4,
    per_minute: Annotated[
        float, typer.Option(min=0.1, help="Rotations of one vendor account that may begin in a minute.")
    ] = 30.0,
    attempts: Annotated[int, typer.Option(min=1, help="How often to try when a failure may pass by itself.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due and change nothing.")] = False,
    as_json: Json = False,
) -> int:
    """Rotate every secret below a folder whose turn it is, and end what an earlier run left unfinished.

    A secret's turn is set by its custom metadata: `lockstep-every` (30d, 12h), `lockstep-window`
    ("Sat,Sun 02:00-05:00 UTC"), `lockstep-enabled`; what its passwords must keep beside the vendor's rules by
    `lockstep-length`, `lockstep-exclude`, `lockstep-shell-safe`, `lockstep-url-safe`.
    """
    from vault_plugin.job.due_secrets import Fleet
    from vault_plugin.job.mirroring import mirrored

    with surroundings() as (deployment, login, clock):
        fleet = Fleet(
            connect=lambda seconds: login.kv(seconds=seconds),
            deployment=deployment,
            clock=clock,
            jobs=jobs,
            per_minute=per_minute,
            attempts=attempts,
            over=mirrored(clock),
        )
        plan = fleet.plan(prefix)
        if dry_run:
            _show_plan([each.path for each in plan.due], as_json=as_json)
            return code_of(plan.faulty)
        total = len(plan.due) + len(plan.faulty)
        if not as_json:
            note(f"{total} due, {plan.waiting} waiting, {plan.off} off or without a schedule")
        ended = list(_shown(fleet.run(plan), total, as_json=as_json))
    if as_json:
        failed = sum(each.error is not None for each in ended)
        emit({"event": "summary", "due": total, "failed": failed, "waiting": plan.waiting, "off": plan.off})
    elif ended:
        show(ended)
        show_errors(ended)
    return code_of(ended)


def _show_plan(due: Iterable[str], *, as_json: bool) -> None:
    for path in due:
        if as_json:
            emit({"event": "due", "path": path})
        else:
            sys.stdout.write(path + "\n")


def _shown(ended: Iterator[Rotated], total: int, *, as_json: bool) -> Iterator[Rotated]:
    """Pass the rotations on as they end: a JSON line each, or a progress bar on a terminal."""
    if as_json or not sys.stderr.isatty():
        for each in ended:
            if as_json:
                emit({"event": "rotation", **each.describe()})
            yield each
        return
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("rotating", total=total)
        for each in ended:
            bar.update(task, advance=1, description=each.path)
            yield each
