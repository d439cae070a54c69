"""``lockstep vault plugin``: build and install the database plug-in, compare its roles, rotate one on demand."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, worst
from rotation.cli.output import Json, console, emit, show_table
from rotation.core.clock import SystemClock
from rotation.core.errors import Interrupted
from rotation.core.process import stop
from vault_plugin.provision.build import build as pack
from vault_plugin.provision.declaration import load
from vault_plugin.provision.install import InstallStep
from vault_plugin.provision.install import install as install_all
from vault_plugin.provision.rotate import rotate as rotate_now
from vault_plugin.provision.server import Server
from vault_plugin.provision.status import role_statuses

plugin_app = typer.Typer(
    name="plugin",
    help="Build and install the database plug-in for Vault and OpenBao, check its roles, rotate a role now.\n\n"
    "VAULT_ADDR and VAULT_TOKEN, or BAO_ADDR and BAO_TOKEN, name the server and the token.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Option("--file", "-f", help="The declarative file (docs/vault-plugin.md).")]
_DEFAULT_FILE = Path("lockstep.toml")


@plugin_app.command()
def build(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("lockstep-plugin"),
    python: Annotated[
        str, typer.Option(help="The interpreter on the server's machine, with the extra `vault-plugin` installed.")
    ] = sys.executable,
    *,
    as_json: Json = False,
) -> None:
    """Pack the plug-in into one file and show its SHA-256.

    The checksum covers Lockstep's own code, not the interpreter and its libraries.
    """
    built = pack(output, python=python)
    if as_json:
        emit({"file": str(built.path), "sha256": built.sha256, "python": python, "libraries": built.libraries})
        return
    libraries = ", ".join(f"{name} {at}" for name, at in built.libraries.items())
    there = f"with {libraries}" if libraries else "on the server's machine; here it cannot be asked for its libraries"
    console().print(f"{built.path}\n  sha256: {built.sha256}\n  runs on: {python} {there}")


@plugin_app.command()
def install(
    file: File = _DEFAULT_FILE,
    *,
    prune: Annotated[
        list[str] | None, typer.Option(help="Remove this role, which is not in the file; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    as_json: Json = False,
) -> int:
    """Register the plug-in, and write the password policies, connections and roles that differ from the file.

    A new role rotates its account at once. A role that is not in the file stays until --prune names it. A failure does
    not stop the other steps. Exits 1 when a step failed.
    """
    desired = load(file)
    failed = False
    with Server.from_environment() as server, stop.work():
        for step in install_all(server, desired, prune=tuple(prune or ()), dry_run=dry_run):
            failed = failed or step.outcome == "failed"
            if as_json:
                emit({name: value for name, value in asdict(step).items() if value != ""})
            else:
                _show(step)
            if stop.requested():
                raise Interrupted(
                    f"stopped after {step.what} {step.name}",
                    hint="`lockstep vault plugin install` continues: what is done stays as it is.",
                )
    return FAILED if failed else DONE


def _show(step: InstallStep) -> None:
    plan = "" if step.done or step.outcome in ("unchanged", "kept", "failed") else "would be "
    why = f" ({step.why})" if step.why else ""
    console().print(f"{step.what} {step.name}: {plan}{step.outcome}{why}")
    if step.hint:
        console().print(f"  what to do: {step.hint}")


@plugin_app.command()
def status(file: File = _DEFAULT_FILE, *, as_json: Json = False) -> int:
    """Check for each role whether the vendor accepts its stored password. No password is changed.

    A stored password that is wrong costs one wrong login. Exits 4 when a stored password is wrong or a role is missing,
    else 1 when a role could not be checked.
    """
    desired = load(file)
    with Server.from_environment() as server:
        found = list(role_statuses(server, desired))
    if as_json:
        for each in found:
            emit(asdict(each))
    else:
        rows = [(each.role, each.finding, each.how, each.last_rotation, each.why) for each in found]
        show_table(("role", "stored and live", "found by", "last rotation", "why"), rows)
    codes = {"different": NEEDS_HUMAN, "missing": NEEDS_HUMAN, "failed": FAILED}
    return worst(codes.get(each.finding, DONE) for each in found)


@plugin_app.command()
def rotate(
    role: Annotated[str, typer.Argument(help="The role's name in the file.")],
    file: File = _DEFAULT_FILE,
    *,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the server's scheduler.")] = 120.0,
    as_json: Json = False,
) -> None:
    """Rotate one role now, through the server's scheduler. A crash of the command or the server loses no password.

    The command does not use the server's rotate-role: OpenBao does not log it safely, and can run two at a time.
    """
    desired = load(file, credentials=False)
    with Server.from_environment() as server, stop.work():
        done = rotate_now(server, desired, desired.role(role), SystemClock(), patience=timeout)
    if as_json:
        emit(asdict(done))
    else:
        console().print(f"role {done.role}: rotated at {done.at}")
