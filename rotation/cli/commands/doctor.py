"""``doctor``: find out which stored password is live and what is wrong, and repair it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, INTERRUPTED, NEEDS_HUMAN, WAITS, exit_code
from rotation.cli.output import Json, SpendATry, about, console, emit, show_error, show_table, when
from rotation.core.process import stop
from rotation.core.values import Evidence

if TYPE_CHECKING:
    from rotation.doctor import Action, Diagnosis, ExaminedVersion, Outcome
    from rotation.engine.session import Session


def doctor(
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret.", metavar="SECRET_ID")],
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Carry out the plan that the command shows.")] = False,
    spend_a_try: SpendATry = False,
    as_json: Json = False,
) -> int:
    """Find out which stored password works and what is wrong with the secret. Repair it with --repair.

    The command tries the candidate, the current, the previous and older labelled versions, the most likely one first.
    Each login is charged to the wrong-login budget that all rotations of the secret share. A rejected password is not
    tried again while its charge lasts. If an API key resets the account, the tries of older versions leave one login of
    the budget for the next rotation. Without --repair the command writes only these charges.

    Exits 0 when the secret is healthy, also after a repair. Exits 3 when the secret must wait. Exits 4 when a repair is
    planned, or when the secret needs a human. Exits 1 when the examination or the repair failed for a reason that may
    pass.
    """
    from rotation.cli.local_rotation import session_for
    from rotation.stores.aws.client import secrets_manager

    secret = {"secret_id": secret_id}
    with about(secret):
        session = session_for(secrets_manager(), secret_id, os.environ, spend=spend_a_try)
        return examine_and_repair(session, secret, repair=repair, as_json=as_json)


def examine_and_repair(session: Session, secret: Mapping[str, object], *, repair: bool, as_json: bool) -> int:
    """Examine a secret in any store, repair it if asked to, show both and return the exit code.

    ``secret`` has the fields by which ``--json`` names the secret.
    """
    from rotation.doctor import Condition, examine, heal

    diagnosis = examine(session)
    with stop.work():
        outcome = heal(session, diagnosis) if repair and diagnosis.plan else None
    if as_json:
        emit({**secret, **_fields(diagnosis, outcome)})
    else:
        _show(diagnosis, outcome)
    condition = diagnosis.condition if outcome is None else outcome.condition
    if condition is Condition.HEALTHY:
        return DONE
    if outcome is not None and stop.requested():
        return INTERRUPTED
    if outcome is not None and outcome.error is not None:
        return exit_code(outcome.error)
    if condition is not Condition.WAITING:
        return NEEDS_HUMAN
    unasked = diagnosis.findings.error if outcome is None else None
    return WAITS if unasked is None or diagnosis.not_before is not None else exit_code(unasked)


def _fields(diagnosis: Diagnosis, outcome: Outcome | None) -> dict[str, object]:
    fields: dict[str, object] = {
        "condition": diagnosis.condition.value,
        "summary": diagnosis.summary,
        "live": diagnosis.live,
        "binding": diagnosis.findings.state.binding,
        "plan": [_action(action) for action in diagnosis.plan],
        "advice": diagnosis.advice or None,
        "not_before": diagnosis.not_before,
        "dead_since": diagnosis.dead_since,
        "versions": [_version(each) for each in diagnosis.findings.versions],
    }
    if outcome is not None:
        fields["repair"] = {
            "condition": outcome.condition.value,
            "done": [_action(action) for action in outcome.done],
            "error": outcome.error.describe() if outcome.error else None,
            "advice": outcome.advice or None,
            "not_before": outcome.not_before,
        }
    return fields


def _action(action: Action) -> dict[str, object]:
    return {"do": action.verb.value, "version": action.version_id}


def _version(examined: ExaminedVersion) -> dict[str, object]:
    parked = examined.version.parked
    return {
        "version": examined.id,
        "stages": sorted(examined.version.stages),
        "value": examined.content.value,
        "account": None if examined.bound is None else examined.bound.username,
        "password": examined.password.value,
        "evidence": examined.evidence.name if examined.evidence else None,
        "reset_sent": examined.version.intent,
        "parked": {"reason": parked[0], "not_before": parked[1]} if parked else None,
        "wrong_logins": sum(count for count, _ in examined.version.charges.values()),
    }


def _show(diagnosis: Diagnosis, outcome: Outcome | None) -> None:
    from rotation.doctor.diagnosis import MEANINGS

    out = console()
    findings = diagnosis.findings
    rows = [_row(each, in_turns=findings.in_turns) for each in findings.versions]
    show_table(("version", "stages", "value", "password", "notes"), rows)
    out.print()
    out.print(f"{diagnosis.condition.value}: {diagnosis.summary}", style="bold")
    if diagnosis.dead_since is not None:
        out.print(f"  readers may hold a dead password since {when(diagnosis.dead_since)}")
    for action in diagnosis.plan:
        out.print(f"  {action.verb.value} {action.version_id}: {MEANINGS[action.verb]}")
    if diagnosis.plan and outcome is None:
        out.print("  (add --repair to carry this out)")
    _advise(diagnosis.advice, diagnosis.not_before)
    if outcome is None:
        return
    for action in outcome.done:
        out.print(f"done: {action.verb.value} {action.version_id}", style="green")
    if outcome.error is not None:
        show_error(outcome.error, as_json=False)
    out.print(f"now {outcome.condition.value}", style="bold")
    _advise(outcome.advice if outcome.error is None else "", outcome.not_before)


def _advise(advice: str, not_before: float | None) -> None:
    if advice:
        console().print(f"  what to do: {advice}")
    if not_before is not None:
        console().print(f"  not before: {when(not_before)}")


def _row(examined: ExaminedVersion, *, in_turns: bool) -> list[str | Text]:
    version, notes = examined.version, []
    if in_turns and examined.bound is not None:
        notes.append(f"account {examined.bound.username}")
    live = examined.password.value == "live"
    if version.intent is not None:
        notes.append(f"{'set by a rotation' if live else 'a reset with it may have been sent'}, {when(version.intent)}")
    if version.parked is not None:
        notes.append(f"parked ({version.parked[0].replace('_', ' ')}) until {when(version.parked[1])}")
    charged = sum(count for count, _ in version.charges.values())
    if charged:
        notes.append("1 wrong login charged" if charged == 1 else f"{charged} wrong logins charged")
    found = examined.password.value + (f" ({examined.evidence.name})" if examined.evidence else "")
    if examined.evidence is Evidence.ACCEPTED:
        found = "accepted, not proved"
    style = {"live": "green", "not live": "red"}.get(found.partition(" (")[0], "")
    return [
        examined.id,
        " ".join(sorted(version.stages)),
        examined.content.value,
        Text(found, style=style),
        "; ".join(notes),
    ]
