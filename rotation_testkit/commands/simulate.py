"""``simulate``: serve the sandbox until interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from shlex import quote
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, console, emit, note
from rotation_testkit.commands.extra import kit_imports

if TYPE_CHECKING:
    from rotation_testkit.sandbox.sandbox import Sandbox


def simulate(
    *,
    shell: Annotated[bool, typer.Option("--shell", help="Print only the environment, as shell commands.")] = False,
    as_json: Json = False,
) -> int:
    """Serve Secrets Manager, every vendor and the machines' login hosts on loopback until interrupted.

    The command prints addresses and made-up credentials as JSON (one line with --json). They are valid only while the
    command runs. To use them, give the variables in "environment" to `lockstep rotate`, to a function or to an AWS
    client. In a shell: `lockstep simulate --shell >sandbox.env &`, and then `. ./sandbox.env`.
    """
    with kit_imports():
        from rotation_testkit.sandbox.sandbox import open_sandbox
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with open_sandbox(holding=None) as sandbox:
            facts = _facts(sandbox)
            if shell:
                sys.stdout.writelines(
                    f"export {name}={quote(value)}\n" for name, value in sandbox.environment().items()
                )
                sys.stdout.flush()
            elif as_json:
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


def _facts(sandbox: Sandbox) -> dict[str, object]:
    accounts: dict[str, dict[str, object]] = {}
    for key, account in sandbox.vendor_accounts.items():
        accounts[key] = {
            "endpoint": sandbox.endpoints[str(account.document["driver"])],
            "secret_id": sandbox.accounts[key],
            **account.document,
        }
        if account.host is not None:
            accounts[key]["login_at"] = {"host": account.host.host, "port": account.host.port}
    return {
        "secrets_manager": {
            "endpoint": sandbox.secrets_manager.endpoint,
            "secrets": dict(sandbox.accounts),
            "admin_secrets": dict(sandbox.admin_secrets),
        },
        "admin": {code: dict(vendor.admin) for code, vendor in sandbox.vendors.items() if vendor.admin},
        "accounts": accounts,
        "environment": sandbox.environment(),
    }
