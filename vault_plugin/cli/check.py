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
    repair: Annotated[bool, typer.Option("--repair", help="Carry out the plan that the command shows.")] = False,
    spend_a_try: SpendATry = False,
    as_json: Json = False,
) -> int:
    """Find out which stored password works and what is wrong with the secret. Repair it with --repair.

    This is `lockstep doctor` for a secret of a KV version 2 engine and its journal. The command tries the candidate,
    the current version, the version before it, and the candidates of cancelled rotations. Each login is charged to the
    wrong-login budget that all rotations of the secret share. Without --repair the command writes only these charges,
    into PATH.lockstep.

    Exits 0 when the secret is healthy, also after a repair. Exits 3 when the secret must wait. Exits 4 when a repair is
    planned, or when the secret needs a human. Exits 1 when the examination or the repair failed for a reason that may
    pass.
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
    """Check whether the secret's current password opens the account. Nothing is reset.

    This is `lockstep verify` for a secret of a KV version 2 engine. Before the login, the command charges it to the
    wrong-login budget in PATH.lockstep. When the vendor accepts the password, the command removes the charge.

    Exits 0 when the password opens the account, 4 when it does not. Exits 3 when no login may be tried now, or when the
    vendor has no login. Exits 1 when the vendor cannot be reached.
    """
    from rotation.cli.commands.verify import check
    from vault_plugin.job.inspection import inspection_session

    with about({"path": path}), job_context() as context:
        return check(inspection_session(context, path, spend=spend_a_try), {"path": path}, as_json=as_json)
