"""``vault cancel``: give up an unfinished rotation."""

from __future__ import annotations

from shlex import quote

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, about, console, emit, when
from vault_plugin.cli.shared import SecretPath, job_context

_SENT = (
    "Its candidate may be live. It stays in the journal, and the next rotation and the doctor try it. If the secret "
    "names another account now, copy the candidate to the former account's secret before you rotate again. "
    "`lockstep vault doctor {path}` shows which password is live, `lockstep vault rotate {path}` sets a new one."
)
_UNSENT = "No reset was sent with its candidate, which is gone. `lockstep vault rotate {path}` begins a new rotation."


def cancel(path: SecretPath, *, as_json: Json = False) -> int:
    """Give up the unfinished rotation of a secret. This command does not call the vendor.

    Use it for a rotation that cannot continue, for example because somebody changed the account in the value. For every
    other rotation, `lockstep vault rotate` finishes it or `lockstep vault doctor --repair` repairs it. A candidate that
    may be live stays readable in PATH.lockstep. The next rotation and the doctor try it like the previous password.

    Exits 0 when the rotation is given up, 3 when another run holds the secret, 4 when no rotation is in progress.
    """
    from rotation.stores.vault_kv import VaultKv

    with about({"path": path}), job_context() as context:
        done = VaultKv(context.kv, path, clock=context.clock).cancel()
    hint = (_UNSENT if done.sent is None else _SENT).format(path=quote(path))
    if as_json:
        fields = {"path": path, "outcome": "cancelled", "token": done.token, "reset_sent": done.sent, "hint": hint}
        emit({key: value for key, value in fields.items() if value is not None})
        return DONE
    sent = "" if done.sent is None else f"; a reset may have been sent, {when(done.sent)}"
    console().print(f"rotation {done.token} is given up{sent}\n  what to do: {hint}")
    return DONE
