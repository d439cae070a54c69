"""``vault doctor`` and ``vault verify``: find out what is wrong with a secret, and whether its password is live."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, SpendATry, about, note
from vault_plugin.cli.shared import SecretPath, job_context


def doctor(
    path: SecretPath,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Carry the plan out.")] = False,
    spend_a_try: SpendATry = False,
    as_json: Json = False,
) -> int:
    """Find out which stored password is live and what is wrong with the secret; repair it with --repair.

    As `lockstep doctor`, for a secret of a KV version 2 engine and its journal: the candidate, the current version,
    the one before, and the candidates of cancelled rotations are tried, inside the wrong-login budget that rotations
    share. Without --repair only the charges of these logins are written, into PATH.lockstep.

    Exits 0 when the secret is healthy (or is now), 3 when it must wait, 4 when a repair is planned or it needs a human,
    1 when it could not be examined or the repair failed, for a reason that may pass.
    """
    from rotation.cli.commands.doctor import examine_and_repair
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.inspection import inspection_session

    with about({"path": path}), job_context() as context:
        session = inspection_session(context, path, spend=spend_a_try)
        code = examine_and_repair(session, {"path": path}, repair=repair, as_json=as_json)
        if code != DONE and not as_json and VaultKv(context.kv, path, clock=context.clock).unfinished() is not None:
            note(f"To take AWSPENDING away, run `lockstep vault cancel {quote(path)}`.")
        return code


def verify(path: SecretPath, *, spend_a_try: SpendATry = False, as_json: Json = False) -> int:
    """Check for drift: whether the secret's current password opens the account. Nothing is reset.

    As `lockstep verify`: the login is charged to the budget in PATH.lockstep before it is tried, and refunded when the
    vendor says yes.

    Exits 0 when it does, 4 when it does not, 3 when no login may be tried now or the vendor has none, 1 when the vendor
    could not be asked.
    """
    from rotation.cli.commands.verify import check
    from vault_plugin.job.inspection import inspection_session

    with about({"path": path}), job_context() as context:
        return check(inspection_session(context, path, spend=spend_a_try), {"path": path}, as_json=as_json)
