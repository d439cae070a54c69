"""``vault enroll``: bind a secret of KV to the account that its value names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.commands.enroll import FromFile, Show, Yes, require_one
from rotation.cli.output import Json, about
from vault_plugin.cli.shared import job_context

if TYPE_CHECKING:
    from rotation.cli.enrolment import Enrolment


def enroll(
    path: Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")] = "",
    *,
    yes: Yes = False,
    show: Show = False,
    from_file: FromFile = None,
    as_json: Json = False,
) -> int:
    """Bind a secret to its account, so that nobody who writes its value can have another one reset.

    As `lockstep enroll`, for a secret of a KV version 2 engine: the binding is the custom metadata `lockstep-account`
    of its path, and takes a token that may read and update `metadata/PATH`. A list's column is secret_id there, too.
    """
    from rotation.cli.enrolment import Enrolment, How, enroll_list, enroll_or_show
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.inspection import binder_of

    require_one(path, from_file)
    with job_context() as context:
        binder = binder_of(context)

        def look(name: str) -> Enrolment:
            return Enrolment.of(VaultKv(context.kv, name, clock=context.clock), binder, lambda: name)

        how = How(yes=yes, show=show, as_json=as_json)
        if from_file is not None:
            return enroll_list(from_file, look, "path", how)
        with about({"path": path}):
            return enroll_or_show(look(path), {"path": path}, how)
