"""How a rehearsal is shown, whichever store the secret is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from rich.text import Text

from rotation.cli.exit_codes import DONE, FAILED, PARKED
from rotation.cli.output import emit, show_table, when
from rotation.doctor.dry_run import Check, Status

_STYLES = {Status.READY: "green", Status.STOPS: "red", Status.WAITS: "yellow", Status.UNKNOWN: "dim"}


def show_checks(checks: Iterable[Check], named: Mapping[str, object], *, as_json: bool) -> int:
    """Show every check and return the exit code: something stops it, only time is missing, or nothing does.

    Args:
        checks: as ``rehearse`` returned them.
        named: what ``--json`` calls the secret.
        as_json: how to show them.
    """
    rows: list[list[str | Text]] = []
    found = set()
    for check in checks:
        found.add(check.status)
        told = {key: value for key, value in asdict(check).items() if value not in ("", None)}
        if as_json:
            emit({**named, **told})
        until = f"; not before {when(check.not_before)}" if check.not_before else ""
        rows.append([check.name, Text(check.status, style=_STYLES[check.status]), check.detail + until])
        rows.extend([["", "", f"hint: {check.hint}"]] if check.hint else [])
    if not as_json:
        show_table(("precondition", "finding", "what was found"), rows)
    if Status.STOPS in found:
        return FAILED
    return PARKED if Status.WAITS in found else DONE
