"""Output that the commands share: JSON lines, tables that cut nothing, errors with code and hint."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from math import ceil
from typing import Annotated, Any, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rotation.core.clock import date_of
from rotation.core.errors import InternalError, Interrupted, RotationError, StoreError, Withheld
from rotation.core.process import stop
from rotation.core.scrub import printable

SpendATry = Annotated[
    bool,
    typer.Option(
        "--spend-a-try",
        help="Try one login although the wrong-login budget is used up. If the password is wrong, people have one "
        "wrong login less before the account locks.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]

_GAP = 2
"""Blanks between two columns, as rich puts them where there are no borders."""
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
    """Print a table without borders, as wide as the terminal, in which no word is cut.

    Where the words do not fit side by side, as at 40 columns, each row is a paragraph with a line for each column.
    """
    out, names = console(), list(columns)
    cells = [[each if isinstance(each, Text) else Text(printable(each)) for each in row] for row in rows]
    widths = _widths([names, *([each.plain for each in row] for row in cells)], out.width - _GAP * (len(names) - 1))
    if widths is None:
        _show_paragraphs(out, names, cells, title)
        return
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name, width in zip(names, widths, strict=True):
        table.add_column(name, width=width, overflow="fold")
    for row in cells:
        table.add_row(*row)
    out.print(table)


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the width of each column, in cells, without the gaps; ``None`` if the longest words need more.

    Each column has its longest word's width at least. What is left goes to those that want the least, first.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, chain([""], *map(str.split, column)))) for column in columns]
    wanted = [max(map(cell_len, column)) for column in columns]
    left = room - sum(widths)
    if left < 0:
        return None
    short = sorted((each for each in range(len(widths)) if wanted[each] > widths[each]), key=lambda each: wanted[each])
    for place, each in enumerate(short):
        more = min(wanted[each] - widths[each], left // (len(short) - place))
        widths[each] += more
        left -= more
    return widths


def _show_paragraphs(out: Console, names: Sequence[str], rows: Iterable[Sequence[Text]], title: str | None) -> None:
    if title is not None:
        out.print(title, style="italic")
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            if not cell.plain:
                continue
            gap = " " if len(name) + 2 + cell.cell_len <= out.width else "\n  "
            out.print(Text.assemble((f"{name}:", "bold"), gap, cell), soft_wrap=" " not in cell.plain)
        out.print()


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
    whose = "store" if isinstance(error, StoreError) else "vendor"
    labels = {"hint": "hint", "vendor_code": f"{whose}'s code", "vendor_request_id": f"{whose}'s request"}
    for key, label in labels.items():
        if key in fields:
            out.print(f"  {label}: {fields[key]}")
    if error.not_before is not None:
        out.print(f"  not before: {when(error.not_before)}")


def when(epoch: float, now: float | None = None) -> str:
    """Return epoch seconds as date and time in UTC, and how far away that is: ``… 02:36:13 UTC (in 14 min)``."""
    distance = epoch - (time.time() if now is None else now)
    return f"{date_of(epoch):%Y-%m-%d %H:%M:%S UTC} ({_apart(abs(distance), ahead=distance > 0)})"


_UNITS = ((172_800.0, 86_400, "days"), (7200.0, 3600, "h"), (120.0, 60, "min"), (0.0, 1, "s"))


def _apart(seconds: float, *, ahead: bool) -> str:
    size, unit = next((size, unit) for least, size, unit in _UNITS if seconds >= least)
    count = ceil(seconds / size) if ahead else int(seconds // size)  # a wait this long does not end too early
    return f"in {count} {unit}" if ahead else f"{count} {unit} ago"


@contextmanager
def about(secret: Mapping[str, object]) -> Iterator[None]:
    """Let every error inside name its secret in ``--json``; ``secret`` has the fields, such as ``secret_id``.

    Raises:
        RotationError: with its ``subject``. A foreign exception becomes an ``InternalError``, a signal ``Interrupted``.
    """
    with Withheld(Exception, by=lambda error: _named(error, secret)):
        try:
            yield
        except (stop.Halted, KeyboardInterrupt, typer.Abort):
            raise Interrupted("stopped before the end") from None


def _named(error: Exception, secret: Mapping[str, object]) -> RotationError:
    known = error if isinstance(error, RotationError) else InternalError.of(error)
    return known.changed(subject={**secret, **known.subject})
