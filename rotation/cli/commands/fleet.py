"""``fleet``: all secrets at once."""

from __future__ import annotations

import csv
import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.text import Text

from rotation.cli.commands.rotate import note_unheard
from rotation.cli.exit_codes import DONE, NEEDS_HUMAN, WAITS, CommandUsageError
from rotation.cli.on_commit import OnCommit, OnCommitCommand
from rotation.cli.output import Json, console, emit, note, when
from rotation.core.clock import SystemClock, date_of
from rotation.core.errors import Interrupted, SecretNotFound
from rotation.core.event import EventKind
from rotation.core.process import stop
from rotation.core.scrub import printable

if TYPE_CHECKING:
    from rotation.stores.aws.fleet.fleet_secret import FleetSecret
    from rotation.stores.aws.fleet.turn import Ended, Turn

T = TypeVar("T")

fleet_app = typer.Typer(
    name="fleet",
    help="Look at, check or rotate many secrets in AWS Secrets Manager: those with a binding or Lockstep's labels.",
    no_args_is_help=True,
)

Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only secrets with this tag; may be repeated.")
]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Only secrets whose name begins with this text.")]
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
    announce: Annotated[
        bool,
        typer.Option("--announce", help="Send the event `overdue` for each late secret, to the configured targets."),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a heading.")] = False,
    as_json: Json = False,
) -> int:
    """Show the state of every secret: driver, age, latest outcome, evidence, next rotation, reason for parking.

    The command calls only ListSecrets, once for each hundred secrets. It reads no value and changes nothing. With
    --announce, for example in a nightly job, it also needs the settings of the rotation function.

    Exits 4 when a shown secret needs a human, else 3 when a secret waits or is overdue, else 0.
    """
    if as_csv and as_json:
        raise CommandUsageError("--csv and --json exclude one another")
    now = SystemClock().now()
    show = _csv_rows(now) if as_csv else (lambda each: emit(each.describe(now))) if as_json else _lines(now)
    say = _announce_overdue() if announce else None
    seen = shown = human = late = 0
    for each in _fleet(now, tag, prefix, function):
        seen += 1
        if say is not None and each.overdue(now):
            say(each)
        if overdue and not each.overdue(now):
            continue
        show(each)
        shown += 1
        human += each.needs_human
        late += each.overdue(now) or each.reason is not None
    _some(range(seen), tag, prefix)
    if not as_json and not as_csv:
        note(f"{shown} secrets, {human} need a human, {late} are late or parked")
    return NEEDS_HUMAN if human else WAITS if late else DONE


@fleet_app.command()
def report(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; an existing file is replaced.")],
    tag: Tags = None,
    prefix: Prefix = "",
    function: Function = "",
) -> int:
    """Write one HTML page: late secrets, secrets that need a human and why, evidence, ages, the next 30 days.

    The command calls only ListSecrets, as `fleet status` does. The page loads nothing from outside. It also works
    without scripts; its script only sorts the table.
    """
    from rotation.cli.fleet.report import pieces

    now = SystemClock().now()
    secrets = _some(_fleet(now, tag, prefix, function), tag, prefix)
    failure = None
    try:
        with output.open("w", encoding="utf-8") as page:
            page.writelines(pieces(secrets, now))
    except OSError as error:
        failure = CommandUsageError(
            f"the report cannot be written: {error.strerror}", hint="Name another file with -o."
        )
    if failure is not None:
        raise failure
    note(f"{len(secrets)} secrets are in the report")
    return DONE


PerVendor = Annotated[
    int, typer.Option(min=1, max=64, help="How many secrets of one vendor (such as tencent_…) run at the same time.")
]
Everything = Annotated[bool, typer.Option("--all", help="All secrets; needed without --tag and --prefix.")]


@fleet_app.command()
def verify(  # noqa: PLR0913 - one option each
    *,
    tag: Tags = None,
    prefix: Prefix = "",
    function: Function = "",
    everything: Everything = False,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many secrets are checked at the same time.")] = 8,
    per_vendor: PerVendor = 2,
    as_json: Json = False,
) -> int:
    """Check whether the stored passwords open their accounts, as `lockstep verify` does. Nothing is reset.

    Each login is charged to the secret's wrong-login budget before it is tried. The command reads the values, so it
    needs the rights and settings of `lockstep verify`.

    Exits 4 when a password does not open its account, or when a secret needs a human. Otherwise exits 1 when a check
    failed for a reason that may pass, else 3 when a secret cannot be checked now, else 0.
    """
    from rotation.cli.fleet.codes import code_of
    from rotation.cli.fleet.verification import verifications
    from rotation.cli.local_rotation import session_for
    from rotation.stores.aws.client import secrets_manager

    chosen = _chosen(tag, prefix, function, everything=everything)
    client = secrets_manager()
    with stop.work():
        turns = verifications(
            chosen, lambda arn: session_for(client, arn, os.environ), jobs=jobs, per_vendor=per_vendor
        )
        ended = Counter(each.ended for each in _shown(turns, len(chosen), "verifying", as_json=as_json))
    _sum_up(ended, len(chosen), {}, as_json=as_json)
    if ended.total() < len(chosen):
        raise Interrupted(
            f"stopped: {ended.total()} of {len(chosen)} secrets are checked", hint="Run the same command again."
        )
    return code_of(ended)


@fleet_app.command()
def rotate(  # noqa: PLR0913 - one option each
    *,
    tag: Tags = None,
    prefix: Prefix = "",
    function: Function = "",
    everything: Everything = False,
    run: Annotated[str, typer.Option(metavar="ID", help="Continue the run with this id; rotate no secret twice.")] = "",
    writes_per_second: Annotated[
        float, typer.Option(min=0.1, max=50, help="Writes a second that rotations may use; AWS's quota is 50.")
    ] = 10.0,
    per_vendor: PerVendor = 4,
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for one rotation; then the service continues it alone.")
    ] = 900.0,
    on_commit: OnCommitCommand = "",
    as_json: Json = False,
) -> int:
    """Rotate many secrets now, for example after a breach. Secrets Manager rotates them; this command asks and waits.

    The command reads no value. It needs ListSecrets, DescribeSecret, RotateSecret and lambda:InvokeFunction. If it
    ends early, the service continues the rotations that have begun. The command first prints the id of its run. With
    --run and this id it continues the run, and skips the secrets that the run has rotated.
    Exits 4 when a secret needs a human, else 1 when a rotation failed for a reason that may pass, else 3 when a
    rotation has not ended, else 0.
    """
    from rotation.cli.fleet.codes import code_of
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.fleet.rotation_run import FleetRotation

    consumers = OnCommit.of(on_commit)
    run_id, chosen = _run_id(run), _chosen(tag, prefix, function, everything=everything)
    _announce_run(run_id, len(chosen), as_json=as_json)
    rotation = FleetRotation(
        client=secrets_manager(),
        run=run_id,
        clock=SystemClock(),
        writes_per_second=writes_per_second,
        per_vendor=per_vendor,
        patience=patience,
    )
    goes_on = f"The same command with `--run {run_id}` continues and rotates none twice."
    ended = _followed(_shown(rotation.turns(chosen), len(chosen), "rotating", as_json=as_json), consumers, goes_on)
    _sum_up(ended, len(chosen), {"run": str(run_id)}, as_json=as_json)
    if ended.total() < len(chosen):
        raise Interrupted(
            f"stopped: of {len(chosen)} secrets {ended.total()} have ended, "
            f"{rotation.under_way} continue in the service",
            hint=goes_on,
        )
    return code_of(ended)


def _announce_run(run: uuid.UUID, secrets: int, *, as_json: bool) -> None:
    """Name the run before anything begins: without its id nobody can continue it."""
    if as_json:
        emit({"event": "run", "run": str(run), "secrets": secrets})
    else:
        note(f"{secrets} secrets; run {run}: `--run {run}` with the same options continues it")


def _followed(turns: Iterator[Turn], consumers: OnCommit, goes_on: str) -> Counter[Ended]:
    """Count how the turns end, and run the command of ``--on-commit`` for those that end in a commit.

    Raises:
        Interrupted: the process must stop at once.
    """
    ended: Counter[Ended] = Counter()
    try:
        with stop.work(), consumers.heeded():
            for turn in turns:
                ended[turn.ended] += 1
                if turn.ended in ("rotated", "already_done"):  # an earlier part of this run may have died before it
                    consumers.committed(turn.secret.name)
    except stop.Halted:
        raise Interrupted("stopped at once: what has begun continues in the service", hint=goes_on) from None
    return ended


def _announce_overdue() -> Callable[[FleetSecret], object]:
    """Return what announces that a secret is overdue."""
    from rotation.cli.local_rotation import binder_for
    from rotation.deployment.announcing.announcer import Announcer
    from rotation.deployment.deployment import Deployment
    from rotation.stores.aws.client import secrets_manager

    binder = binder_for(secrets_manager(), Deployment.from_environment(os.environ))

    def say(each: FleetSecret) -> None:
        announcer = Announcer.of(binder, lambda: each.arn)
        announcer.driver = lambda: each.driver
        announcer(EventKind.OVERDUE, None, reason=each.reason, not_before=each.next_rotation)
        note_unheard(announcer.unheard)

    return say


def _run_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text) if text else uuid.uuid4()
    except ValueError:
        pass
    raise CommandUsageError("--run takes the id that an earlier run printed")


def _chosen(tag: list[str] | None, prefix: str, function: str, *, everything: bool) -> list[FleetSecret]:
    """Return what is chosen; all at once, since a listing is not kept open for hours."""
    if not (tag or prefix or everything):
        raise CommandUsageError("which secrets?", hint="Choose by --tag or --prefix, or say --all.")
    return _some(_fleet(SystemClock().now(), tag, prefix, function), tag, prefix)


def _some(secrets: Iterable[T], tag: list[str] | None, prefix: str) -> list[T]:
    """Return the secrets, or whatever represents each.

    Raises:
        SecretNotFound: there are none by this tag or prefix: with a misspelt one a nightly job would end well for ever.
    """
    found = list(secrets)
    if not found and (tag or prefix):
        raise SecretNotFound(
            "no secret that Lockstep rotates has this prefix and these tags",
            hint="Look at `lockstep fleet status` without them, and at AWS_REGION. A secret that was never rotated is "
            "bound by `lockstep enroll`, or found by --function.",
        )
    return found


def _shown(turns: Iterator[Turn], total: int, doing: str, *, as_json: bool) -> Iterator[Turn]:
    """Yield the turns, and show each: as JSON, or above a progress bar what did not go well."""
    if as_json:
        for turn in turns:
            emit(turn.describe())
            yield turn
        return
    from rich.progress import Progress

    out = console(sys.stderr)
    with Progress(console=out, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=total)
        for turn in turns:
            for line in _remarks(turn):
                out.print(line, soft_wrap=True)
            bar.update(task, advance=1)
            yield turn


def _remarks(turn: Turn) -> Iterator[str]:
    if turn.error is None and turn.reason is None and turn.ended not in ("waits", "not_checkable"):
        return
    what = turn.error.headline if turn.error else (turn.reason or "").replace("_", " ")
    yield f"{turn.ended}: {printable(turn.secret.name)}{': ' if what else ''}{printable(what)}"
    if turn.error is not None and turn.error.hint:
        yield f"  hint: {printable(turn.error.hint)}"


def _sum_up(ended: Counter[Ended], total: int, fields: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        counted = {str(name): number for name, number in ended.items()}
        emit({"event": "summary", "secrets": total, "ended": ended.total(), **counted, **fields})
    else:
        parts = [f"{number} {name.replace('_', ' ')}" for name, number in ended.items()]
        console().print(f"{total} secrets: {', '.join(parts) or 'nothing done'}")


def _fleet(now: float, tag: list[str] | None, prefix: str, function: str) -> Iterator[FleetSecret]:
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.aws.fleet.fleet_secret import managed
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
    from rotation.stores.aws.fleet.fleet_secret import DAY

    state = "NEEDS HUMAN" if each.needs_human else "overdue" if each.overdue(now) else each.outcome.value
    style = {"NEEDS HUMAN": "bold red", "overdue": "red", "parked": "yellow", "unfinished": "yellow"}.get(state, "")
    due = "" if each.next_rotation is None else date_of(each.next_rotation).strftime("%Y-%m-%d")
    due = due if each.enabled else "off"
    age, evidence = f"{each.age(now) / DAY:.0f} d", each.evidence.name if each.evidence else "-"
    rest = f" {age:>6} {evidence:<8} {due:<10} {each.driver or 'not bound':<24} {printable(each.name)}"
    yield Text.assemble((f"{state:<11}", style), rest)
    if each.reason is not None:
        until = f", not before {when(each.not_before, now)}" if each.not_before else ""
        yield Text(f"{'':<11}   parked: {printable(each.reason.replace('_', ' '))}{until}", style="dim")
    if each.reset_sent:
        yield Text(f"{'':<11}   a reset was or may have been sent and is not proved", style="dim")
