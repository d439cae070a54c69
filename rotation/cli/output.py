"""Output that the commands share: JSON lines, tables that stay plain in a pipe, errors with code and hint."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rotation.core.clock import date_of
from rotation.core.errors import RotationError
from rotation.core.scrub import printable

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]

_PIPE_WIDTH = 1000
"""A pipe has no width: a table is as wide as its content."""


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON object on a line of its own, at once."""
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def console(stream: TextIO | None = None) -> Console:
    """Return a console on standard output (or ``stream``) that prints text literally, without markup.

    Colours and control codes appear on a terminal only.
    """
    target = stream or sys.stdout
    width = None if target.isatty() else _PIPE_WIDTH
    return _PrintableConsole(file=target, markup=False, highlight=False, emoji=False, width=width)


class _PrintableConsole(Console):
    """A console whose texts cannot command the terminal: names and messages come from hosts, vendors and secrets."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own
        """Return the text without control characters; tables and prints call this for every string."""
        return super().render_str(printable(text), **options)


def tick(holds: bool) -> str:  # noqa: FBT001 - the one thing it shows
    """Return a tick or a cross, or a word where standard output cannot show the sign."""
    sign, word = ("✓", "ok") if holds else ("✗", "FAILED")
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return word
    return sign


def show_table(columns: Iterable[str], rows: Iterable[Iterable[str | Text]], *, title: str | None = None) -> None:
    """Print a table without borders."""
    table = Table(*columns, box=None, pad_edge=False, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def note(text: str) -> None:
    """Print a remark on standard error, apart from the result."""
    console(sys.stderr).print(text, style="dim")


def show_error(error: RotationError, *, as_json: bool) -> None:
    """Print an error as its JSON object, or as code, message and hint on standard error."""
    fields = error.describe()
    if as_json:
        emit(fields)
        return
    out = console(sys.stderr)
    out.print(Text.assemble(("error: ", "bold red"), printable(error.headline)))
    for key, label in (("hint", "hint"), ("vendor_code", "vendor's code"), ("vendor_request_id", "vendor's request")):
        if key in fields:
            out.print(f"  {label}: {fields[key]}")
    if error.not_before is not None:
        out.print(f"  not before: {when(error.not_before)}")


def when(epoch: float) -> str:
    """Return epoch seconds as date and time in UTC."""
    return date_of(epoch).strftime("%Y-%m-%d %H:%M:%S UTC")
