"""``rotate``: run the four steps in this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, exit_code
from rotation.cli.output import Json, console, emit, note, show_error, show_table

if TYPE_CHECKING:
    from rotation.cli.local_rotation import LocalRotation, StepReport


def rotate(
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret to rotate.", metavar="SECRET_ID")],
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check every precondition and name all that would stop the rotation; change nothing."
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Rotate one secret now: createSecret, setSecret, testSecret and finishSecret run in this process.

    The standard AWS settings (region, credentials, AWS_ENDPOINT_URL) name Secrets Manager. The LOCKSTEP_* variables of
    the rotation function name what may be rotated and where the vendor is; LOCKSTEP_DRIVERS is needed at least.

    An unfinished rotation is resumed under its own token, with its own candidate; otherwise a new one begins. The
    secret needs no rotation function, and it is rotated even where rotation is switched off. Where a schedule runs a
    function for this secret, prefer `aws secretsmanager rotate-secret`, since the service then retries by itself.

    After a failure run this command again: it finds out what became of the last attempt before it sends anything.

    With --dry-run nothing is changed, and everything that would stop the rotation is named at once. Exits 0 when
    nothing would, 3 when only time is missing, 1 otherwise.
    """
    if dry_run:
        return _dry_run(secret_id, as_json=as_json)
    from rotation.cli.local_rotation import LocalRotation
    from rotation.stores.aws.client import secrets_manager

    rotation = LocalRotation(secrets_manager(), secret_id, os.environ)
    if not as_json:
        verb = "resuming the unfinished rotation" if rotation.resumed else "beginning a rotation"
        note(f"{verb}, token {rotation.token}")
    done: list[StepReport] = []
    for report in rotation.steps():
        done.append(report)
        if as_json:
            emit(_fields(report, secret_id, rotation))
        else:
            note(f"{report.step.value}: {report.outcome}")
    if not as_json:
        _show(done)
    failure = done[-1].error
    if failure is None:
        return DONE
    show_error(failure, as_json=as_json)
    return exit_code(failure)


def _dry_run(secret_id: str, *, as_json: bool) -> int:
    from rotation.cli.local_rotation import session_for
    from rotation.cli.tables import show_checks
    from rotation.doctor.dry_run import rehearse
    from rotation.stores.aws.client import secrets_manager

    checks = rehearse(session_for(secrets_manager(), secret_id, os.environ))
    return show_checks(checks, {"secret_id": secret_id}, as_json=as_json)


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
