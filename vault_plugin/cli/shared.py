"""What the job's commands share: the world by the environment, and how a rotation's end is shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from rotation.cli.exit_codes import DONE, FAILED, PARKED, exit_code
from rotation.cli.output import show_error, show_table

if TYPE_CHECKING:
    from rotation.core.clock import Clock
    from rotation.deployment.deployment import Deployment
    from vault_plugin.job.kv_rotation import Rotated
    from vault_plugin.job.login import Login


@contextmanager
def surroundings(environment: Mapping[str, str] = os.environ) -> Iterator[tuple[Deployment, Login, Clock]]:
    """Yield what is allowed, the login to a server that was asked how it is, and the clock.

    Raises:
        SettingsError: the environment is wrong.
        StoreUnavailable: the server cannot serve.
    """
    from rotation.core.clock import SystemClock
    from rotation.deployment.deployment import Deployment
    from vault_plugin.job.login import Login
    from vault_plugin.job.settings import VaultSettings

    clock = SystemClock()
    deployment = Deployment.from_environment(environment)
    with Login(VaultSettings.from_environment(environment), clock=clock) as login:
        login.check()
        yield deployment, login, clock


def show(ended: Iterable[Rotated]) -> None:
    """Print one line for each rotation."""
    rows: list[list[str | Text]] = [
        [
            each.path,
            Text(each.outcome, style="red" if each.error else "green"),
            each.evidence or "",
            "" if each.gap_seconds is None else f"{each.gap_seconds:.2f} s",
            f"{each.seconds:.2f} s",
        ]
        for each in ended
    ]
    show_table(("secret", "outcome", "evidence", "gap for readers", "duration"), rows)


def show_errors(ended: Iterable[Rotated]) -> None:
    """Print every error with its hint, on standard error."""
    for each in ended:
        if each.error is not None:
            show_error(each.error, as_json=False)


def code_of(ended: Iterable[Rotated]) -> int:
    """Return the exit code: failed before parked before done."""
    codes = {DONE if each.error is None else exit_code(each.error) for each in ended}
    return next((code for code in (FAILED, PARKED) if code in codes), DONE)
