"""What the demonstration shows: a live table on a terminal, plain lines in a pipe, JSON lines on demand.

Whatever is shown is a ``Message``: a JSON object and a line of text. The live table collects the messages of steps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from rotation.cli.output import console, emit, tick
from rotation.core.values import Step

RED, GREEN = "red", "green"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to show.

    Attributes:
        record: the JSON object.
        line: the line of text.
        style: of the line on a terminal.
        cell: where the live table has the message, and what it shows: vendor, step, text. ``None``: outside the table.
    """

    record: Mapping[str, object]
    line: str
    style: str | None = None
    cell: tuple[str, str, Text] | None = None


Show = Callable[[Message], None]


def note(text: str) -> Message:
    """Return what happens next."""
    return Message({"event": "note", "text": text}, text)


def step(  # noqa: PLR0913 - the columns of one line
    *,
    rotation: str,
    driver: str,
    attempt: int,
    step: str,
    outcome: str,
    evidence: str | None,
    seconds: float,
    failed: bool,
) -> Message:
    """Return the message about an invocation that has ended."""
    record = {
        "event": "step",
        "rotation": rotation,
        "driver": driver,
        "attempt": attempt,
        "step": step,
        "outcome": outcome,
        "evidence": evidence,
        "duration_ms": round(seconds * 1000),
    }
    proof = f" by {evidence}" if evidence else ""
    line = f"  {driver:<17} attempt {attempt}  {step:<13} {tick(not failed)} {outcome}{proof} {seconds:.2f} s"
    short = f"{tick(not failed)} {evidence or outcome.replace('_', ' ')} {seconds:.2f} s"
    return Message(record, line, cell=(driver, step, Text(short, style=RED if failed else GREEN)))


def action(what: str, outcome: str, seconds: float, *, failed: bool = False) -> Message:
    """Return the message about something that was done."""
    record = {
        "event": "done",
        "what": what,
        "outcome": outcome,
        "failed": failed,
        "duration_ms": round(seconds * 1000),
    }
    line = f"  {tick(not failed)} {what:<18} {outcome}  {seconds:.2f} s"
    return Message(record, line, RED if failed else GREEN)


def claim(text: str, *, holds: bool) -> Message:
    """Return the message about something that was checked."""
    return Message({"event": "claim", "holds": holds, "text": text}, f"{tick(holds)} {text}", None if holds else RED)


def result(facts: Mapping[str, object]) -> Message:
    """Return the last message."""
    verdict = "all of it held" if facts["holds"] else "NOT all of it held"
    style = "bold green" if facts["holds"] else "bold red"
    return Message({"event": "result", **facts}, f"{verdict} in {facts['seconds']} s", style)


@contextmanager
def screen(*, as_json: bool) -> Iterator[Show]:
    """Yield the function that shows messages in the way that suits the output."""
    if as_json or not sys.stdout.isatty():
        yield as_object if as_json else as_line
        return
    live = LiveScreen()
    try:
        yield live.show
    finally:
        live.close()


def as_object(message: Message) -> None:
    """Write a message as a JSON object on its own line."""
    emit(message.record)


def as_line(message: Message) -> None:
    """Write a message as one line without control codes."""
    sys.stdout.write(message.line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class LiveScreen:
    """One table for each rotation, vendor by step, which fills while the rotation runs."""

    console: Console = field(default_factory=console)
    rows: dict[str, dict[str, list[Text]]] = field(default_factory=dict)
    live: Live | None = None

    def show(self, message: Message) -> None:
        """Show a message in the table, or below it; the next step then starts a new table."""
        if message.cell is None:
            self.close()
            self.console.print(message.line, style=message.style)
            return
        driver, step, text = message.cell
        self.rows.setdefault(driver, {}).setdefault(step, []).append(text)
        if self.live is None:
            self.live = Live(console=self.console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self.live.start()
        self.live.update(self._table(), refresh=True)

    def close(self) -> None:
        """End the table; what was shown stays."""
        if self.live is not None:
            self.live.stop()
            self.live = None
            self.rows = {}

    def _table(self) -> Table:
        table = Table(Column("vendor", no_wrap=True), *(each.value for each in Step), box=SIMPLE)
        for driver, cells in self.rows.items():
            table.add_row(driver, *(Text("\n").join(cells.get(each.value, [])) for each in Step))
        return table
