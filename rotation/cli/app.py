"""The commands under one roof: parse, run, and turn whatever happens into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import typer

from rotation.cli.catalog import by_arguments
from rotation.cli.commands import doctor, drivers, policy, rotate, verify
from rotation.cli.exit_codes import DONE, FAILED, INTERRUPTED, PARKED, WRONG_USAGE, CommandUsageError, exit_code
from rotation.cli.output import show_error
from rotation.core.errors import InternalError, RotationError
from rotation_testkit.commands import invoke, simulate, simulate_faults
from rotation_testkit.commands.demo import demo
from vault_plugin.cli import vault_app

_HELP = """Rotates passwords behind vendors' reset APIs and keeps the secret store in lockstep with the vendor.

Start with `lockstep demo`: it needs no account and no network.

Every command takes --json. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 parked (stopped on purpose until a time).
"""

# typer brings its own copy of click since 0.26, so the class is found through what typer exports.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def application() -> typer.Typer:
    """Return the command line with every command."""
    app = typer.Typer(name="lockstep", help=_HELP, add_completion=False, pretty_exceptions_enable=False)
    app.command("demo")(demo.demo)
    app.command("drivers")(by_arguments(drivers.drivers))
    app.command("policy")(by_arguments(policy.policy))
    app.command("generate")(by_arguments(policy.generate))
    app.command("check")(by_arguments(policy.check))
    app.command("simulate")(simulate.simulate)
    app.command("simulate-faults")(simulate_faults.simulate_faults)
    app.command("invoke")(invoke.invoke)
    app.command("rotate")(rotate.rotate)
    app.command("verify")(verify.verify)
    app.command("doctor")(doctor.doctor)
    app.add_typer(vault_app, name="vault")
    return app


@cache
def _command() -> Callable[..., Any]:
    """Return the application as typer parses it, made once: whoever runs many commands need not wait for that."""
    return typer.main.get_command(application())


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an error is shown, never a traceback."""
    as_json = "--json" in arguments
    failure: RotationError
    try:
        code = _command()(args=list(arguments) or ["--help"], prog_name="lockstep", standalone_mode=False)
    except RotationError as error:
        failure = error
    except _UsageError as wrong:
        failure = _usage(wrong)
    except BrokenPipeError:
        # The reader has gone, as in `lockstep generate ... | head`; the interpreter's own last flush must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError(f"{type(foreign).__name__} inside Lockstep")
    else:
        return _ended(code) if arguments else WRONG_USAGE
    show_error(failure, as_json=as_json)
    return exit_code(failure)


def _ended(code: int | None) -> int:
    if code == INTERRUPTED:
        return _interrupted()
    return DONE if code is None else code if code in (DONE, FAILED, WRONG_USAGE, PARKED) else FAILED


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return INTERRUPTED


def _usage(wrong: Exception) -> CommandUsageError:
    context = getattr(wrong, "ctx", None)
    described = getattr(wrong, "format_message", lambda: str(wrong))()
    command = getattr(context, "command_path", "lockstep")
    return CommandUsageError(described, hint=f"`{command} --help` shows what it takes.")
