"""``vault doctor`` and ``vault verify``: what is wrong with a secret, and whether its password is live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, note
from vault_plugin.cli.shared import surroundings

if TYPE_CHECKING:
    from vault_plugin.job.kv_rotation import Place

_Path = Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")]


@contextmanager
def place_for_one() -> Iterator[Place]:
    """Yield the mount, what is allowed and the clock, for as long as one step may take."""
    from vault_plugin.job.kv_rotation import STEP_SECONDS, Place
    from vault_plugin.job.mirroring import mirrored

    with surroundings() as (deployment, login, clock), login.kv(seconds=STEP_SECONDS) as kv:
        yield Place(kv=kv, deployment=deployment, clock=clock, over=mirrored(clock))


def doctor(
    path: _Path,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Carry the plan out.")] = False,
    as_json: Json = False,
) -> int:
    """Find out which stored password is live and what is wrong with the secret; with --repair put it right.

    As `lockstep doctor`, for a secret of a KV version 2 engine and its journal: the candidate, the current version,
    the one before, and the candidates of cancelled rotations are tried, inside the wrong-login budget that rotations
    share. Without --repair nothing but the charges of these logins is written, into PATH.lockstep.

    Exits 0 when the secret is healthy (or is now), 3 when a repair is planned, must wait or needs a human, 1 when the
    secret could not be examined or the repair failed.
    """
    from rotation.cli.commands.doctor import examine_and_repair
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.sessions import looking_at

    with place_for_one() as place:
        code = examine_and_repair(looking_at(place, path), {"path": path}, repair=repair, as_json=as_json)
        if code != DONE and not as_json and VaultKv(place.kv, path, clock=place.clock).unfinished() is not None:
            note(f"Where AWSPENDING is to be taken away, `lockstep vault cancel {path}` does it.")
        return code


def verify(path: _Path, *, as_json: Json = False) -> int:
    """Check for drift: whether the secret's current password opens the account. Nothing is changed.

    As `lockstep verify`: the login is charged to the budget in PATH.lockstep before it is tried, and refunded when the
    vendor says yes.

    Exits 0 when it does, 1 when it does not or nobody could be asked, 3 when no login may be tried now, or the vendor
    has none.
    """
    from rotation.cli.commands.verify import check
    from vault_plugin.job.sessions import looking_at

    with place_for_one() as place:
        return check(looking_at(place, path), {"path": path}, as_json=as_json)
