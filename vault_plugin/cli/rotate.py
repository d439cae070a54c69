"""``vault rotate``: one secret, now."""

from __future__ import annotations

from typing import Annotated

import typer

from rotation.cli.output import Json, emit, note
from vault_plugin.cli.check import place_for_one
from vault_plugin.cli.shared import code_of, show, show_errors, surroundings


def rotate(
    path: Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")],
    *,
    attempts: Annotated[int, typer.Option(min=1, help="How often to try when a failure may pass by itself.")] = 3,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every precondition, name all that would stop it, change nothing.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Rotate one secret of a KV version 2 engine now, whatever its schedule says.

    An unfinished rotation is resumed under its own token, with its own candidate. What must be remembered is kept in
    PATH.lockstep. Readers get a working password at all times but between the vendor's change and the commit; how long
    that was is printed.

    With --dry-run nothing is changed, and everything that would stop the rotation is named at once. Exits 0 when
    nothing would, 3 when only time is missing, 1 otherwise.
    """
    if dry_run:
        return _rehearsed(path, as_json=as_json)
    from vault_plugin.job.kv_rotation import STEP_SECONDS, Place, Rotation
    from vault_plugin.job.mirroring import mirrored
    from vault_plugin.job.schedule import Wishes

    def told(step: str, outcome: str) -> None:
        if not as_json:
            note(f"{step}: {outcome}")

    with surroundings() as (deployment, login, clock), login.kv(seconds=4 * STEP_SECONDS) as kv:
        entry = kv.read(path)
        wishes = Wishes.parse({} if entry is None else entry.custom)
        place = Place(kv=kv, deployment=deployment, clock=clock, over=mirrored(clock))
        rotation = Rotation(place=place, path=path, wishes=wishes, ordered=True, told=told)
        done = rotation.run(attempts=attempts)
    if as_json:
        emit(done.describe())
    else:
        show([done])
        show_errors([done])
    return code_of([done])


def _rehearsed(path: str, *, as_json: bool) -> int:
    from rotation.cli.tables import show_checks
    from rotation.doctor.dry_run import rehearse
    from vault_plugin.job.sessions import looking_at, require_write

    with place_for_one() as place:
        session = looking_at(place, path)
        checks = rehearse(session, require_write=lambda: require_write(place.kv, path))
    return show_checks(checks, {"path": path}, as_json=as_json)
