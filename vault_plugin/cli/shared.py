"""What the commands of the KV job share: the server and deployment from the environment, and how reports are shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rotation.cli.exit_codes import DONE, exit_code, worst
from rotation.cli.output import show_error, show_table
from rotation.core.scrub import printable

if TYPE_CHECKING:
    from rotation.core.clock import Clock
    from rotation.deployment.deployment import Deployment
    from vault_plugin.job.kv_rotation import JobContext, Rotated
    from vault_plugin.job.login import Login

SecretPath = Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")]
Attempts = Annotated[int, typer.Option(min=1, help="How many attempts in all, if a failure may pass by itself.")]


@contextmanager
def job_environment() -> Iterator[tuple[Deployment, Login, Clock]]:
    """Yield what is allowed, the login to a server that can serve, and the clock."""
    from rotation.core.clock import StoreClock, SystemClock
    from rotation.deployment.deployment import Deployment
    from vault_plugin.job.login import Login
    from vault_plugin.job.settings import VaultSettings

    clock = StoreClock(SystemClock())
    deployment = Deployment.from_environment(os.environ)
    with Login(VaultSettings.from_environment(os.environ), clock=clock) as login:
        login.check()
        yield deployment, login, clock


@contextmanager
def job_context(steps: int = 1) -> Iterator[JobContext]:
    """Yield the context of a job on one secret that takes the time of so many steps."""
    from vault_plugin.job.kv_rotation import STEP_SECONDS, JobContext
    from vault_plugin.job.login import REQUESTS
    from vault_plugin.job.mirroring import with_mirror

    with (
        job_environment() as (deployment, login, clock),
        login.kv(seconds=steps * STEP_SECONDS, requests=steps * REQUESTS // 4) as kv,
    ):
        yield JobContext(kv=kv, deployment=deployment, clock=clock, wrap_store=with_mirror())


def show(ended: Iterable[Rotated]) -> None:
    """Print one line for each rotation, and every error with its hint on standard error."""
    reports = list(ended)
    rows: list[list[str | Text]] = [
        [
            each.path,
            Text(each.outcome, style="red" if each.error else "green"),
            each.evidence or "",
            "" if each.gap_seconds is None else f"{each.gap_seconds:.2f} s",
            f"{each.seconds:.2f} s",
        ]
        for each in reports
    ]
    show_table(("secret", "outcome", "evidence", "gap for readers", "duration"), rows)
    for each in reports:
        show_failure(each)


def show_failure(report: Rotated) -> None:
    """Print why a rotation failed, if it did, with the path of its secret."""
    if report.error is not None:
        show_error(report.error.prefixed(printable(report.path)), as_json=False)


def code_of(ended: Iterable[Rotated]) -> int:
    """Return the exit code: that of the rotation that asks for most."""
    return worst(DONE if each.error is None else exit_code(each.error) for each in ended)
