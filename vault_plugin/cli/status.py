"""``vault status``: when each secret's password was changed, when it is due, and what it waits for."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, WAITS
from rotation.cli.output import Json, emit, note, show_error, show_table
from rotation.core.clock import date_of
from rotation.core.scrub import printable
from vault_plugin.cli.shared import job_environment

if TYPE_CHECKING:
    from vault_plugin.job.secret_status import SecretStatus

_FIRST = ("faulty", "unfinished", "due", "waiting", "off")
_STYLES = {"faulty": "bold red", "unfinished": "yellow", "due": "green"}


def status(
    *,
    prefix: Annotated[str, typer.Option(help="Folder in the mount; by default the whole mount.")] = "",
    as_json: Json = False,
) -> int:
    """Show for every secret below a folder when its password was changed, when it is due, and what it waits for.

    The command changes nothing and calls no vendor. `vault run` would rotate the secrets `unfinished` and `due` now, in
    this order. The waiting secrets follow, the earliest first. A parked secret shows the reason and the time until
    which it waits.

    Exits 4 when a secret needs a human, else 1 when a secret cannot be read, else 3 when a secret is unfinished, due or
    parked, else 0.
    """
    from vault_plugin.job.kv_rotation import STEP_SECONDS
    from vault_plugin.job.secret_status import secret_statuses

    with job_environment() as (_, login, clock), login.kv(seconds=STEP_SECONDS) as kv:
        found = sorted(secret_statuses(kv, prefix, clock, parked=True), key=_order)
        now = clock.now()
    counts = {turn: sum(each.turn == turn for each in found) for turn in _FIRST}
    if as_json:
        for each in found:
            emit({"event": "secret", **each.describe()})
        emit({"event": "summary", **counts})
    else:
        show_table(("secret", "turn", "changed (UTC)", "due (UTC)", "window"), [_row(each, now) for each in found])
        for each in found:
            if each.error is not None:
                show_error(each.error.prefixed(printable(each.path)), as_json=False)
        note(", ".join(f"{count} {turn}" for turn, count in counts.items()))
    if any(each.needs_human for each in found):
        return NEEDS_HUMAN
    if counts["faulty"]:
        return FAILED
    return WAITS if counts["unfinished"] + counts["due"] or any(each.wait for each in found) else DONE


def _order(secret: SecretStatus) -> tuple[int, float, str]:
    return _FIRST.index(secret.turn), inf if secret.due is None else secret.due, secret.path


def _row(secret: SecretStatus, now: float) -> list[str | Text]:
    turn = Text(secret.turn, style=_STYLES.get(secret.turn, ""))
    if secret.wait is not None:
        turn = Text.assemble(turn, f", parked until {_minute(secret.wait.until)}: {printable(secret.wait.reason)}")
    elif secret.turn == "waiting" and secret.due is not None:
        turn = Text.assemble(turn, f" {_days(secret.due - now)}")
    return [secret.path, turn, _minute(secret.changed), _minute(secret.due), secret.window]


def _minute(epoch: float | None) -> str:
    return "" if epoch is None else f"{date_of(epoch):%Y-%m-%d %H:%M}"


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.0f} d" if seconds >= 172_800 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004 - two days
