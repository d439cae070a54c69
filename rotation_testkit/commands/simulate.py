"""``simulate``: the embedded servers, for as long as somebody wants to play with them."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, console, emit, note
from rotation_testkit.commands.open_sandbox import embedded

if TYPE_CHECKING:
    from rotation_testkit.sandbox.sandbox import World


def simulate(*, as_json: Json = False) -> int:
    """Serve Secrets Manager, every vendor and the machines' login hosts on loopback until interrupted.

    Prints their addresses and made-up credentials as JSON (one line with --json): what they open exists only while this
    runs. Put "environment" into the environment of `lockstep rotate`, of a function or of an AWS client to use them.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with embedded(holding=None) as world:
            facts = _facts(world)
            if as_json:
                emit(facts)
            else:
                console().print_json(data=facts)
                note("Serving; Ctrl-C stops. Try: lockstep rotate SECRET_ID with this environment.")
            while not stop.wait(timeout=1.0):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return DONE


def _facts(world: World) -> dict[str, object]:
    accounts: dict[str, dict[str, object]] = {}
    for key, tenant in world.tenants.items():
        accounts[key] = {
            "endpoint": world.endpoints[str(tenant.document["driver"])],
            "secret_id": world.accounts[key],
            **tenant.document,
        }
        if tenant.host is not None:
            accounts[key]["login_at"] = {"host": tenant.host.host, "port": tenant.host.port}
    return {
        "secrets_manager": {
            "endpoint": world.secrets_manager.endpoint,
            "secrets": dict(world.accounts),
            "admin_secrets": dict(world.admin_secrets),
        },
        "admin": {code: dict(estate.admin) for code, estate in world.estates.items() if estate.admin},
        "accounts": accounts,
        "environment": world.environment(),
    }
