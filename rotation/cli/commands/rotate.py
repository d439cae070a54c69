"""``rotate``: run the four steps in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, WAITS, exit_code
from rotation.cli.on_commit import OnCommit, OnCommitCommand
from rotation.cli.output import Json, SpendATry, about, console, emit, note, show_error, show_table, when
from rotation.core.errors import Interrupted
from rotation.core.process import stop
from rotation.core.values import Step

if TYPE_CHECKING:
    from rotation.cli.local_rotation import LocalRotation, StepReport
    from rotation.doctor.dry_run import Check


def rotate(
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret to rotate.", metavar="SECRET_ID")],
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check every precondition and name everything that would stop a rotation; change nothing."
        ),
    ] = False,
    spend_a_try: SpendATry = False,
    on_commit: OnCommitCommand = "",
    as_json: Json = False,
) -> int:
    """Rotate one secret now. All four steps, createSecret to finishSecret, run in this process.

    The standard AWS settings (region, credentials, AWS_ENDPOINT_URL) name Secrets Manager. The configuration is that of
    the rotation function: lockstep.toml, or LOCKSTEP_* variables. It must set at least LOCKSTEP_DRIVERS and
    LOCKSTEP_SEAL_SECRET.

    The command resumes an unfinished rotation with its token and its candidate. Otherwise it begins a new rotation. The
    secret needs no rotation function, and rotation may be switched off. If a rotation function rotates this secret on a
    schedule, use `aws secretsmanager rotate-secret` instead: the service then retries by itself.

    After a failure run this command again. Before it sends anything, it finds out what the last attempt did. A rotation
    may be parked to limit wrong logins. If you know what was wrong, --spend-a-try continues it at once.

    --dry-run changes nothing and names everything that would stop a rotation. It exits 0 when nothing would stop it, 3
    when it must only wait, 4 when somebody must act, 1 when the obstacle may pass by itself.
    """
    with about({"secret_id": secret_id}):
        if dry_run:
            return _dry_run(secret_id, as_json=as_json)
        return _rotate(secret_id, OnCommit.of(on_commit), spend=spend_a_try, as_json=as_json)


def _rotate(secret_id: str, consumers: OnCommit, *, spend: bool, as_json: bool) -> int:
    from rotation.cli.local_rotation import LocalRotation
    from rotation.stores.aws.client import secrets_manager

    rotation = LocalRotation(secrets_manager(), secret_id, os.environ, spend=spend)
    if not as_json:
        verb = "resuming the unfinished rotation" if rotation.resumed else "beginning a rotation"
        note(f"{verb}, token {rotation.token}")
    done: list[StepReport] = []
    try:
        with stop.work(), consumers.heeded():
            try:
                _steps(rotation, secret_id, done, as_json=as_json)
            finally:
                if rotation.committed:
                    consumers.committed(secret_id)
            if not as_json:
                _show(done)
            note_unheard(rotation.unheard)
    except stop.Halted:
        if len(done) == len(Step) and done[-1].error is None:
            raise  # what did not end is the command of --on-commit
        raise _stopped(secret_id, rotation) from None
    failure = done[-1].error
    if failure is None:
        return DONE
    if stop.requested():
        failure = _stopped(secret_id, rotation)
    show_error(failure.changed(subject={"secret_id": secret_id, "token": rotation.token}), as_json=as_json)
    return exit_code(failure)


def note_unheard(unheard: Mapping[str, str]) -> None:
    """Say on standard error which targets have not taken an event; the rotation itself is not concerned."""
    for target, why in unheard.items():
        note(f"events.{target} has not taken an event ({why}); a commit is announced again by the next run")


def _steps(rotation: LocalRotation, secret_id: str, done: list[StepReport], *, as_json: bool) -> None:
    """Run the steps, and show and note each when it has ended."""
    for report in rotation.steps():
        done.append(report)
        if as_json:
            emit(_fields(report, secret_id, rotation))
        else:
            note(f"{report.step.value}: {report.outcome}")


def _stopped(secret_id: str, rotation: LocalRotation) -> Interrupted:
    """Return the error that says where a stopped rotation stands and how to continue."""
    return stopped(rotation.token, f"lockstep rotate {quote(secret_id)}", sent=rotation.reset_may_be_sent())


def stopped(token: str, command: str, *, sent: bool) -> Interrupted:
    """Return the error of a rotation that was asked to stop.

    Args:
        token: of the rotation.
        command: continues it.
        sent: whether a reset may have been sent.
    """
    where = (
        "a reset was or may have been sent, so the current password may be dead until the rotation continues"
        if sent
        else "no reset was sent, so the current password is what it was"
    )
    return Interrupted(f"rotation {token} stopped: {where}", hint=f"`{command}` continues it.")


def _dry_run(secret_id: str, *, as_json: bool) -> int:
    from rotation.cli.local_rotation import session_for
    from rotation.doctor.dry_run import rehearse
    from rotation.stores.aws.client import secrets_manager

    checks = rehearse(session_for(secrets_manager(), secret_id, os.environ))
    return show_checks(checks, {"secret_id": secret_id}, as_json=as_json)


def show_checks(checks: Iterable[Check], secret: Mapping[str, object], *, as_json: bool) -> int:
    """Show every check of a dry run, and what they come to; return the exit code.

    ``secret`` has the fields by which ``--json`` names the secret.
    """
    from rotation.doctor.dry_run import Status

    styles = {Status.READY: "green", Status.STOPS: "red", Status.WAITS: "yellow", Status.UNKNOWN: "dim"}
    rows: list[list[str | Text]] = []
    made = tuple(checks)
    for check in made:
        if as_json:
            emit({**secret, **{key: value for key, value in asdict(check).items() if value not in ("", None)}})
        until = f"; not before {when(check.not_before)}" if check.not_before else ""
        rows.append([check.name, Text(check.status, style=styles[check.status]), check.detail + until])
        rows.extend([["", "", f"hint: {check.hint}"]] if check.hint else [])
    verdict = verdict_of(made)
    code = verdict.code
    if as_json:
        fields = {"verdict": verdict.name, "not_before": verdict.not_before, "exit_code": code}
        emit({"event": "verdict", **secret, **fields})
        return code
    show_table(("precondition", "finding", "detail"), rows)
    until = "" if verdict.not_before is None else f", not before {when(verdict.not_before)}"
    console().print()
    console().print(f"verdict: {verdict.sentence}{until}", style="bold")
    return code


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks of a dry run come to.

    Attributes:
        name: for ``--json``.
        sentence: for people.
        code: the exit code.
        not_before: epoch seconds, where only time is missing.
    """

    name: str
    sentence: str
    code: int
    not_before: float | None = None


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Return the verdict on a rotation that would begin now: what stops it counts before what delays it."""
    from rotation.doctor.dry_run import Status

    made = tuple(checks)
    stops = [each for each in made if each.status is Status.STOPS]
    if stops:
        names = ", ".join(dict.fromkeys(each.name for each in stops))
        code = FAILED if all(each.may_pass for each in stops) else NEEDS_HUMAN
        return Verdict("stops", f"a rotation would stop: {names}", code)
    waits = [each for each in made if each.status is Status.WAITS]
    if waits:
        names = ", ".join(dict.fromkeys(each.name.replace("_", " ") for each in waits))
        until = max((each.not_before for each in waits if each.not_before is not None), default=None)
        return Verdict("waits", f"a rotation would wait: {names}", WAITS, until)
    return Verdict("ready", "nothing that can be known now stops a rotation", DONE)


def _fields(report: StepReport, secret_id: str, rotation: LocalRotation) -> dict[str, object]:
    fields = {
        "secret_id": secret_id,
        "token": rotation.token,
        "resumed": rotation.resumed,
        "step": report.step.value,
        "driver": report.driver,
        "outcome": report.outcome,
        "evidence": report.evidence,
        "duration_ms": round(report.seconds * 1000),
        "vendor_request_id": report.vendor_request_id,
    }
    return fields | ({"members": report.members} if report.members else {})


def _show(done: list[StepReport]) -> None:
    console().print()
    rows: list[list[str | Text]] = []
    for report in done:
        outcome = Text(report.outcome, style="red" if report.error else "green")
        rows.append([report.step.value, outcome, report.evidence or "", f"{report.seconds:.2f} s"])
    show_table(("step", "outcome", "evidence", "duration"), rows)
