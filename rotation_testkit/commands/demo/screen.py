"""What the demonstration shows: a live table on a terminal, plain lines in a pipe, JSON lines on demand."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from rotation.cli.output import console, emit, tick
from rotation.core.values import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShown:
    """One invocation as the demonstration shows it."""

    act: str
    driver: str
    attempt: int
    step: str
    outcome: str
    evidence: str | None
    seconds: float
    failed: bool

    def record(self) -> dict[str, object]:
        """Return the JSON line."""
        return {
            "event": "step",
            "rotation": self.act,
            "driver": self.driver,
            "attempt": self.attempt,
            "step": self.step,
            "outcome": self.outcome,
            "evidence": self.evidence,
            "duration_ms": round(self.seconds * 1000),
        }

    @property
    def text(self) -> str:
        """What stands in the table's cell."""
        proof = f" by {self.evidence}" if self.evidence else ""
        return f"{tick(not self.failed)} {self.outcome}{proof} {self.seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done, by whom it was done to, and how it ended."""

    what: str
    outcome: str
    seconds: float
    failed: bool = False

    def record(self) -> dict[str, object]:
        """Return the JSON line."""
        return {
            "event": "done",
            "what": self.what,
            "outcome": self.outcome,
            "failed": self.failed,
            "duration_ms": round(self.seconds * 1000),
        }

    @property
    def text(self) -> str:
        """The line."""
        return f"  {tick(not self.failed)} {self.what:<18} {self.outcome}  {self.seconds:.2f} s"


class Board(Protocol):
    """Where the demonstration is seen."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what was shown stays."""
        ...

    def say(self, text: str) -> None:
        """Say what happens next."""
        ...

    def step(self, shown: StepShown) -> None:
        """Show an invocation that has ended."""
        ...

    def done(self, shown: Done) -> None:
        """Show something that was done."""
        ...

    def claim(self, text: str, *, holds: bool) -> None:
        """Show something that was checked."""
        ...

    def end(self, facts: Mapping[str, object]) -> None:
        """Show the last line."""
        ...


def board(*, as_json: bool) -> Board:
    """Return the board that suits the output."""
    if as_json:
        return JsonBoard()
    return LiveBoard() if sys.stdout.isatty() else PlainBoard()


class _Quiet:
    """A board without anything to begin or end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonBoard(_Quiet):
    """One object per line; ``event`` says which kind."""

    def say(self, text: str) -> None:
        """See ``Board``."""
        emit({"event": "note", "text": text})

    def step(self, shown: StepShown) -> None:
        """See ``Board``."""
        emit(shown.record())

    def done(self, shown: Done) -> None:
        """See ``Board``."""
        emit(shown.record())

    def claim(self, text: str, *, holds: bool) -> None:
        """See ``Board``."""
        emit({"event": "claim", "holds": holds, "text": text})

    def end(self, facts: Mapping[str, object]) -> None:
        """See ``Board``."""
        emit({"event": "result", **facts})


class PlainBoard(_Quiet):
    """One line per thing, no control codes."""

    def say(self, text: str) -> None:
        """See ``Board``."""
        self._print(text)

    def step(self, shown: StepShown) -> None:
        """See ``Board``."""
        self._print(f"  {shown.driver:<17} attempt {shown.attempt}  {shown.step:<13} {shown.text}")

    def done(self, shown: Done) -> None:
        """See ``Board``."""
        self._print(shown.text)

    def claim(self, text: str, *, holds: bool) -> None:
        """See ``Board``."""
        self._print(f"{tick(holds)} {text}")

    def end(self, facts: Mapping[str, object]) -> None:
        """See ``Board``."""
        self._print(f"{_verdict(facts)} in {facts['seconds']} s")

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


@dataclass(slots=True)
class LiveBoard:
    """One table for each rotation, vendor by step, which fills while it runs."""

    console: Console = field(default_factory=console)
    rows: dict[str, dict[str, list[StepShown]]] = field(default_factory=dict)
    live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None
            self.rows = {}

    def say(self, text: str) -> None:
        """See ``Board``."""
        self._close()
        self.console.print(text)

    def step(self, shown: StepShown) -> None:
        """See ``Board``."""
        self.rows.setdefault(shown.driver, {}).setdefault(shown.step, []).append(shown)
        if self.live is None:
            self.live = Live(console=self.console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self.live.start()
        self.live.update(self._table(), refresh=True)

    def done(self, shown: Done) -> None:
        """See ``Board``."""
        self._close()
        self.console.print(shown.text, style=_style(shown))

    def claim(self, text: str, *, holds: bool) -> None:
        """See ``Board``."""
        self._close()
        self.console.print(Text.assemble((tick(holds), "green" if holds else "bold red"), f" {text}"))

    def end(self, facts: Mapping[str, object]) -> None:
        """See ``Board``."""
        style = "bold green" if facts["holds"] else "bold red"
        self.console.print(f"{_verdict(facts)} in {facts['seconds']} s", style=style)

    def _table(self) -> Table:
        table = Table(Column("vendor", no_wrap=True), *(step.value for step in Step), box=SIMPLE)
        for driver, cells in self.rows.items():
            table.add_row(driver, *(_cell(cells.get(step.value, [])) for step in Step))
        return table


def _cell(shown: list[StepShown]) -> Text:
    """Return one line for each attempt."""
    lines = [
        Text(
            f"{tick(not each.failed)} {each.evidence or each.outcome.replace('_', ' ')} {each.seconds:.2f} s",
            style=_style(each),
        )
        for each in shown
    ]
    return Text("\n").join(lines)


def _style(shown: StepShown | Done) -> str:
    return "red" if shown.failed else "green"


def _verdict(facts: Mapping[str, object]) -> str:
    return "all of it held" if facts["holds"] else "NOT all of it held"
