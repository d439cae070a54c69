"""The application behind ``lockstep``: collect the commands, run one, and turn its end into an exit code."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer

from rotation import __version__
from rotation.cli.catalog import by_arguments
from rotation.cli.commands import config, doctor, drivers, enroll, fleet, policy, rotate, verify
from rotation.cli.exit_codes import DONE, EXIT_CODES, FAILED, INTERRUPTED, WRONG_USAGE, CommandUsageError, exit_code
from rotation.cli.output import show_error
from rotation.core.errors import ConfigError, InternalError, Interrupted, RotationError
from rotation.core.process import stop
from rotation.core.process.library_logs import silence_libraries

COMMANDS = "lockstep.commands"
"""Each entry point of this group is a command or a group of commands, under the entry point's name."""

_HELP = """Rotates passwords behind vendors' reset APIs and keeps the secret store in lockstep with the vendor.

Start with `lockstep demo`: it needs no account and no network.

All commands except `fleet report` take --json. Exit codes: {codes}.
"""
_WORDS = {"help": "--help", "version": "--version"}
"""What people type where other tools have a command for it."""

# typer brings its own copy of click since 0.26, so the class is found through what typer exports.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def application() -> typer.Typer:
    """Return the application with its own commands and those of entry points."""
    codes = ", ".join(f"{code} {re.split('[:;,]', meaning)[0]}" for code, (meaning, _) in EXIT_CODES.items())
    app = typer.Typer(
        name="lockstep",
        help=_HELP.format(codes=codes),
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    app.command("drivers")(by_arguments(drivers.drivers))
    app.command("policy")(by_arguments(policy.policy))
    app.command("generate")(by_arguments(policy.generate))
    app.command("check")(by_arguments(policy.check))
    app.command("enroll")(enroll.enroll)
    app.command("rotate")(rotate.rotate)
    app.command("verify")(verify.verify)
    app.command("doctor")(doctor.doctor)
    app.add_typer(config.config_app, name="config")
    app.add_typer(fleet.fleet_app, name="fleet")
    for point in sorted(entry_points(group=COMMANDS), key=lambda each: each.name):
        _add(app, point)
    return app


def command_tree() -> Any:  # noqa: ANN401 - typer's own copy of click has no public types
    """Return the parsed command ``lockstep`` with all below it; help texts have no line ends within a paragraph."""
    root = typer.main.get_command(application())
    ahead: list[Any] = [root]
    while ahead:
        command = ahead.pop()
        command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", (command.help or "").strip())
        ahead += getattr(command, "commands", {}).values()
    return root


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - an option's value
    if wanted:
        sys.stdout.write(f"lockstep {__version__}, Python {platform.python_version()}\n")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of ``lockstep`` itself."""


def _add(app: typer.Typer, point: EntryPoint) -> None:
    """Add an entry point's command or group. One that cannot be loaded stops no other and says so when it is called."""
    try:
        command = point.load()
    except Exception as error:  # noqa: BLE001 - a foreign import may fail in any way
        command = _broken(point.name, type(error).__name__)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=point.name)
    else:
        app.command(point.name)(command)


def _broken(name: str, why: str) -> Callable[[], None]:
    def refuse() -> None:
        """Say that this command cannot be loaded."""
        raise ConfigError(
            f"the command {name} cannot be loaded ({why})",
            hint="Reinstall the package that brings it, with every extra that it needs.",
        )

    return refuse


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an error is shown, never a traceback."""
    silence_libraries()
    as_json = "--json" in arguments
    failure: RotationError
    try:
        code = command_tree()(args=_arguments(arguments), prog_name="lockstep", standalone_mode=False)
    except RotationError as error:
        failure = error
    except _UsageError as wrong:
        failure = _usage(wrong)
    except (stop.Halted, KeyboardInterrupt, typer.Abort):
        failure = Interrupted("stopped before the end")
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError.of(foreign)
    else:
        if code != INTERRUPTED or stop.requested():  # then the command has said where it stopped
            return _ended(code) if arguments else WRONG_USAGE
        failure = Interrupted("stopped before the end")
    show_error(failure, as_json=as_json)
    return exit_code(failure)


def _arguments(given: Sequence[str]) -> list[str]:
    first = _WORDS.get(given[0]) if given else "--help"
    return list(given) if first is None else [*given[1:], first]


def _ended(code: int | None) -> int:
    return DONE if code is None else code if code in EXIT_CODES else FAILED


def _usage(wrong: Exception) -> CommandUsageError:
    described = getattr(wrong, "format_message", lambda: str(wrong))()
    command = getattr(getattr(wrong, "ctx", None), "command_path", "lockstep")
    return CommandUsageError(described, hint=f"`{command} --help` shows what it takes.")
