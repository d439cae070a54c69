"""``demo``: two passwords rotate, lose a reply, lose a process, and are proved to be right at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rotation.cli._board import board
from rotation.cli._errors import DONE, FAILED, needs_extra
from rotation.cli._output import Json
from rotation.cli._world import embedded

if TYPE_CHECKING:
    from rotation.cli._acts import Play


def demo(*, as_json: Json = False) -> int:
    """Watch two passwords rotate against servers on this machine; needs no account and no network.

    Each step of the rotation function runs in a process of its own with the real handler and a real AWS client. In the
    second rotation the vendors apply the change and drop the reply, in the third the process is killed right after the
    reset. Exits 0 only when every claim at the end was checked and holds.
    """
    started = time.monotonic()
    claims: list[bool] = []
    with board(as_json=as_json) as screen:
        play = _play()
        screen.say("Starting Secrets Manager, two vendors and an SSH host on this machine.")
        with embedded(retry_delays=(60.0, 60.0)) as world:
            for text, holds in play(world, screen).run():
                screen.claim(text, holds=holds)
                claims.append(holds)
        holds = bool(claims) and all(claims)
        seconds = round(time.monotonic() - started, 1)
        screen.end({"holds": holds, "claims": len(claims), "failed": claims.count(False), "seconds": seconds})
    return DONE if holds else FAILED


def _play() -> type[Play]:
    """Return the script, once the processes that it needs are on their way."""
    try:
        from rotation.cli._acts import Play
        from rotation.testing.isolated import start_fork_server
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("rotation"):
            raise
        failure = needs_extra(missing, "testing")
    else:
        start_fork_server()
        return Play
    raise failure
