"""``vault cancel``: give an unfinished rotation up."""

from __future__ import annotations

from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, console, emit, when
from vault_plugin.cli.check import place_for_one

_SENT = (
    "Its candidate may be live. It stays in {path}.lockstep, and the next rotation and the doctor try it. If the "
    "secret names another account now, keep it where the former account is kept before you rotate again. `lockstep "
    "vault doctor {path}` tells which password is live, `lockstep vault rotate {path}` sets a new one."
)
_UNSENT = "No reset was sent with its candidate, which is gone. `lockstep vault rotate {path}` begins a new rotation."


def cancel(
    path: Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")],
    *,
    as_json: Json = False,
) -> int:
    """Give up the rotation of a secret that has begun and not ended. The vendor is not asked, nor changed.

    For a rotation that cannot go on, such as one whose account was edited meanwhile. Every other one is ended by
    `lockstep vault rotate` or put right by `lockstep vault doctor --repair`. A candidate that may be live stays known
    and readable in PATH.lockstep, and is tried as if it were the password before the current one.

    Exits 0 when it is given up, 1 when no rotation is in progress or a run is at work on it.
    """
    from rotation.stores.vault_kv import VaultKv

    with place_for_one() as place:
        done = VaultKv(place.kv, path, clock=place.clock).cancel()
    hint = (_UNSENT if done.sent is None else _SENT).format(path=path)
    if as_json:
        told = {"path": path, "outcome": "cancelled", "token": done.token, "reset_sent": done.sent, "hint": hint}
        emit({key: value for key, value in told.items() if value is not None})
        return DONE
    sent = "" if done.sent is None else f"; a reset may have been sent, {when(done.sent)}"
    console().print(f"rotation {done.token} is given up{sent}")
    console().print(f"  what to do: {hint}")
    return DONE
