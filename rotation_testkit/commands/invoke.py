"""``invoke``: send one event to the rotation function, in a sandbox made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, WAITS, CommandUsageError
from rotation.cli.output import Json, console, emit, note
from rotation.core.errors import Parked, TooSoon, Withheld
from rotation.state import parking
from rotation_testkit.commands.extra import kit_imports

if TYPE_CHECKING:
    from rotation_testkit.commands.event_runner import EventRunner, Outcome


def invoke(
    path: Annotated[
        Path, typer.Argument(help="A file with one event, as in events/.", metavar="EVENT", exists=True, dir_okay=False)
    ],
    *,
    inside: Annotated[
        bool, typer.Option("--here", help="Run in this process instead of under the Lambda runtime emulator.")
    ] = False,
    driver: Annotated[
        str | None,
        typer.Option(
            help="Driver of the event's secret; needed if the secret's name does not name it.", metavar="CODE"
        ),
    ] = None,
    test_only: Annotated[
        bool,
        typer.Option(
            "--test-only", help="Run testSecret without the steps before it, as RotateImmediately=false does."
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Send one event to the rotation function, in a new sandbox.

    The sandbox has a secret with the event's name and driver, and begins a rotation with the event's token. For
    setSecret, testSecret and finishSecret it first runs the earlier steps. Then it sends the event to the packed
    function under the real Lambda runtime emulator. If the packed function is missing or out of date, the source tree
    runs instead. A file called test_only.json implies --test-only. A malformed event goes to the function unchanged.

    Exits 1 when the function failed for a reason that may pass, 3 when the rotation waits, 4 when it needs a human.
    """
    event = _read(path)
    with kit_imports():
        from rotation_testkit.commands.event_rotation import run_event

    def started(runner: EventRunner) -> None:
        if not as_json:
            note(f"{runner.runtime}, code: {runner.code}")

    only = test_only or path.stem == "test_only"
    runner, outcome = run_event(event, path, driver=driver, inside=inside, test_only=only, started=started)
    return _show(path, runner, outcome, as_json=as_json)


def _read(path: Path) -> object:
    no_json = CommandUsageError("the event's file is not JSON", hint="See events/ for samples.")
    with (
        Withheld(OSError, by=lambda e: CommandUsageError(f"the event's file cannot be read ({type(e).__name__})")),
        Withheld(ValueError, RecursionError, by=lambda _: no_json),
    ):
        event: object = json.loads(path.read_bytes())
    return event


def _show(path: Path, runner: EventRunner, outcome: Outcome, *, as_json: bool) -> int:
    error = outcome.error
    if as_json:
        emit(
            {
                "event": str(path),
                "runtime": runner.runtime,
                "code": runner.code,
                "succeeded": error is None,
                "result": outcome.result,
                "error": error,
                "logs": list(outcome.logs),
            }
        )
    else:
        for line in outcome.logs:
            note(line)
        if error is None:
            console().print_json(data=outcome.result)
        else:
            out = console()
            out.print(f"the step failed: {error.get('code')}: {error.get('message')}", style="bold red")
            if error.get("hint"):
                out.print(f"  hint: {error['hint']}")
    if error is None:
        return DONE
    reason = parking.known(str(error.get("reason", "")))
    if error.get("code") == TooSoon.code or (reason is not None and reason.by_itself):
        return WAITS
    return FAILED if error.get("retryable") and error.get("code") != Parked.code else NEEDS_HUMAN
