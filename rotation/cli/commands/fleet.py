"""``fleet``: all secrets at once."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, NEEDS_HUMAN, PARKED, CommandUsageError
from rotation.cli.output import Json, console, emit, note
from rotation.core.clock import SystemClock, date_of
from rotation.core.scrub import printable

if TYPE_CHECKING:
    from rotation.cli.fleet.fleet_secret import FleetSecret

fleet_app = typer.Typer(
    name="fleet",
    help="All secrets in AWS Secrets Manager that Lockstep rotates: bound ones and those with its labels.",
    no_args_is_help=True,
)

Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only secrets with this tag; may be repeated.")
]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Only secrets whose name begins so.")]
Function = Annotated[
    str,
    typer.Option(metavar="ARN", help="Also the secrets of this rotation function that were never rotated."),
]


@fleet_app.command()
def status(  # noqa: PLR0913 - one option each
    *,
    tag: Tags = None,
    prefix: Prefix = "",
    function: Function = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only secrets whose scheduled rotation is late.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a heading.")] = False,
    as_json: Json = False,
) -> int:
    """Show how every secret is: driver, age, latest outcome, evidence, next rotation, and why it is parked.

    Read by ListSecrets alone, a hundred secrets a call: no value is read, and nothing is changed.

    Exits 4 when a secret that is shown needs a human, else 3 when one waits or is overdue, else 0.
    """
    if as_csv and as_json:
        raise CommandUsageError("--csv and --json exclude one another")
    now = SystemClock().now()
    show = _csv_rows(now) if as_csv else (lambda each: emit(each.describe(now))) if as_json else _lines(now)
    shown = human = late = 0
    for each in _fleet(now, tag, prefix, function):
        if overdue and not each.overdue(now):
            continue
        show(each)
        shown += 1
        human += each.needs_human
        late += each.overdue(now) or each.reason is not None
    if not as_json and not as_csv:
        note(f"{shown} secrets, {human} need a human, {late} are late or parked")
    return NEEDS_HUMAN if human else PARKED if late else DONE


def _fleet(now: float, tag: list[str] | None, prefix: str, function: str) -> Iterator[FleetSecret]:
    from rotation.cli.fleet.fleet_secret import managed
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.listing import listed

    pairs = [each.partition("=") for each in tag or ()]
    if not all(key and sign for key, sign, _ in pairs):
        raise CommandUsageError("--tag takes KEY=VALUE", hint="For example --tag team=payments.")
    tags = tuple((key, value) for key, _, value in pairs)
    return managed(listed(secrets_manager(), prefix=prefix, tags=tags), now, function=function)


def _csv_rows(now: float) -> Callable[[FleetSecret], object]:
    writer: Any = None

    def show(each: FleetSecret) -> None:
        nonlocal writer
        fields = {key: _cell(value) for key, value in each.describe(now).items()}
        if writer is None:
            writer = csv.DictWriter(sys.stdout, fields, lineterminator="\n")
            writer.writeheader()
        writer.writerow(fields)

    return show


def _cell(value: object) -> str:
    """Return a value for a spreadsheet, which must not take a name for a formula."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else printable(str(value))
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_HEADING = f"{'state':<11} {'age':>6} {'evidence':<8} {'next':<10} {'driver':<24} secret"


def _lines(now: float) -> Callable[[FleetSecret], object]:
    """Return what prints a secret on a line of fixed columns; the name is the last one and is never cut."""
    out = console()
    began = False

    def show(each: FleetSecret) -> None:
        nonlocal began
        if not began:
            out.print(_HEADING, style="bold", soft_wrap=True)
            began = True
        for line in _described(each, now):
            out.print(line, soft_wrap=True)

    return show


def _described(each: FleetSecret, now: float) -> Iterator[Text]:
    from rotation.cli.fleet.fleet_secret import DAY

    state = "NEEDS HUMAN" if each.needs_human else "overdue" if each.overdue(now) else each.outcome.value
    style = {"NEEDS HUMAN": "bold red", "overdue": "red", "parked": "yellow", "unfinished": "yellow"}.get(state, "")
    due = "" if each.next_rotation is None else date_of(each.next_rotation).strftime("%Y-%m-%d")
    due = due if each.enabled else "off"
    age, evidence = f"{each.age(now) / DAY:.0f} d", each.evidence.name if each.evidence else "-"
    rest = f" {age:>6} {evidence:<8} {due:<10} {each.driver or 'not bound':<24} {printable(each.name)}"
    yield Text.assemble((f"{state:<11}", style), rest)
    if each.reason is not None:
        until = f", not before {date_of(each.not_before):%Y-%m-%d %H:%M} UTC" if each.not_before else ""
        yield Text(f"{'':<11}   parked: {printable(each.reason.replace('_', ' '))}{until}", style="dim")
    if each.reset_sent:
        yield Text(f"{'':<11}   a reset was or may have been sent and is not proved", style="dim")
