"""``vault enroll``: bind a secret of KV to the account that its value names."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.commands.enroll import Driver, FromFile, HostKey, PasswordStdin, Set, Show, Yes, require_one
from rotation.cli.exit_codes import FAILED, CommandUsageError
from rotation.cli.output import Json, about, note
from rotation.core.errors import Interrupted
from rotation.core.process import stop
from vault_plugin.cli.shared import job_context

if TYPE_CHECKING:
    from rotation.cli.enrolment import Enrolment
    from rotation.core.document import SecretDocument
    from vault_plugin.job.kv_rotation import JobContext


def enroll(  # noqa: PLR0913 - one option each
    path: Annotated[str, typer.Argument(help="Path of the secret in its mount (LOCKSTEP_VAULT_MOUNT).")] = "",
    *,
    yes: Yes = False,
    show: Show = False,
    from_file: FromFile = None,
    driver: Driver = "",
    keys: Set = None,
    password_stdin: PasswordStdin = False,
    host_key: HostKey = "",
    as_json: Json = False,
) -> int:
    """Bind a secret to its account. With --driver, make the secret first if it does not exist.

    Lockstep then rotates only this account, even if somebody writes another account into the value.

    This is `lockstep enroll` for a secret of a KV version 2 engine. The binding is the key `lockstep-account` in the
    custom metadata of the path, so the token needs `read` and `update` on `metadata/PATH`. In a list for --from-file,
    the column secret_id has the path. The schedule is the key `lockstep-every` in the custom metadata.
    """
    from rotation.cli.enrolment import Enrolment, How, enroll_list, enroll_or_show
    from rotation.cli.new_secret import NewSecret, make
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.inspection import binder_of

    require_one(path, from_file)
    wish = NewSecret(driver=driver, keys=keys or (), host_key=host_key, from_stdin=password_stdin, yes=yes)
    if from_file is not None and wish.wanted:
        raise CommandUsageError("--from-file binds secrets that exist; it makes none")
    with job_context() as context:
        binder = binder_of(context)

        def look(name: str) -> Enrolment:
            return Enrolment.of(VaultKv(context.kv, name, clock=context.clock), binder, lambda: name)

        how = How(yes=yes, show=show, as_json=as_json)
        if from_file is not None:
            return enroll_list(from_file, look, "path", how)
        with about({"path": path}):
            agreed = None
            if wish.wanted and not show and context.kv.read(path) is None:
                agreed = make(wish, binder, lambda document: _create(context, path, document))
                if agreed is None:
                    return FAILED
                how = replace(how, yes=True)
            found = look(path)
            if agreed is not None:
                found.require_shown(agreed)
            return enroll_or_show(found, {"path": path}, how)


def _create(context: JobContext, path: str, document: SecretDocument) -> None:
    """Write the first version; one that somebody else has written meanwhile is left alone."""
    with stop.work():
        context.kv.write(path, document, cas=0)
    note("the secret is made")
    if stop.requested():
        raise Interrupted(
            "stopped: the secret is made, and not bound yet", hint=f"`lockstep vault enroll {quote(path)}` continues."
        )
