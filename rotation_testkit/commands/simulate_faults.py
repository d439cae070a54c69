"""``simulate-faults``: random fleets in virtual time on the real engine, and the shortest script of a violation."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rotation.cli.exit_codes import DONE, FAILED, CommandUsageError
from rotation.cli.output import Json, console, emit, note, tick
from rotation.core.errors import ConfigError

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.random_fleets.runner import Report


def simulate_faults(  # noqa: PLR0913 - one for each option
    *,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the schedules; the same seed gives the same schedules everywhere.")
    ] = 1,
    runs: Annotated[int, typer.Option(min=1, help="How many schedules to play.")] = 2000,
    workers: Annotated[int, typer.Option(min=0, max=64, help="How many processes; 0 means one per core.")] = 0,
    save: Annotated[Path | None, typer.Option(help="File for the script of the first violation.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Play only this script, and show every effect.")] = None,
    as_json: Json = False,
) -> int:
    """Play random schedules of faults on the real engine, in memory and in virtual time.

    The schedules mix vendors of every class, crashes and lost answers at any effect, parallel runs, operators, outages
    and wrong clocks. The command checks the invariants after every effect. When the faults stop, everything must heal.
    The command reduces the first violation to the shortest script that shows it; --replay plays this script again.

    Exits 0 when every invariant held, 1 when an invariant was violated.
    """
    if replay is not None:
        return _replay(replay, as_json=as_json)
    from rotation_testkit.fault_lab.random_fleets.runner import simulate

    if save is not None and not _takes_a_file(save):
        raise CommandUsageError(f"cannot write {save}; nothing was played")
    with _bar(runs, hidden=as_json) as progress:
        report = simulate(seed, runs, workers=workers or os.cpu_count() or 1, progress=progress)
    _show(report, as_json=as_json)
    if save is not None and report.finding is not None:
        _save(save, report.finding.script.dump())
    return DONE if report.finding is None else FAILED


def _takes_a_file(path: Path) -> bool:
    """Return whether the file can be written, so that the result of minutes is not lost at the end."""
    try:
        place = path if path.exists() else path.parent
    except OSError:  # a name that is too long, a folder that may not be entered
        return False
    return os.access(place, os.W_OK) and place.is_dir() is (place != path)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        failure = ConfigError(f"cannot write {path} ({type(error).__name__})", hint="Keep what was printed.")
    else:
        return
    raise failure


def _show(report: Report, *, as_json: bool) -> None:
    finding = report.finding
    if as_json:
        emit(
            {
                "event": "simulated",
                "holds": finding is None,
                "seed": report.seed,
                "runs": report.runs,
                "seconds": round(report.seconds, 2),
                "runs_per_second": round(report.runs_per_second, 1),
                "violation": None if finding is None else finding.violation,
                "schedule": None if finding is None else finding.number,
                "script": None if finding is None else finding.script.dump().splitlines(),
            }
        )
        return
    out = console()
    held = f"{tick(finding is None)} seed {report.seed}: {report.runs} schedules, "
    out.print(
        held + f"{report.runs_per_second:.0f} a second, " + ("no violation" if finding is None else "one violation")
    )
    if finding is not None:
        note(f"{finding.violation}; schedule {finding.number}. Put these lines into a file and --replay it:")
        out.print(finding.script.dump(), end="")


def _replay(path: Path, *, as_json: bool) -> int:
    from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, play

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CommandUsageError(f"cannot read {path}") from None
    trace: list[str] = []
    violation = play(Script.parse(text), trace=trace)
    if as_json:
        emit(
            {
                "event": "replayed",
                "holds": violation is None,
                "violation": None if violation is None else str(violation),
                "trace": trace,
            }
        )
    else:
        for line in trace:
            console().print(line)
        console().print(f"{tick(violation is None)} {'every invariant held' if violation is None else violation}")
    return DONE if violation is None else FAILED


@contextmanager
def _bar(runs: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    screen = console(sys.stderr)
    columns = (TextColumn("schedules"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=hidden or not screen.is_terminal, transient=True) as progress:
        bar = progress.add_task("schedules", total=runs)
        yield lambda done: progress.update(bar, advance=done)
