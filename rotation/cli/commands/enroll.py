"""``enroll``: bind a secret to the account that its value names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import CommandUsageError
from rotation.cli.output import Json, about

if TYPE_CHECKING:
    from rotation.cli.enrolment import Enrolment

Yes = Annotated[bool, typer.Option("--yes", help="Write the binding without asking.")]
Show = Annotated[bool, typer.Option("--show", help="Only show what the secret is bound to.")]
FromFile = Annotated[
    Path | None,
    typer.Option("--from-file", help="CSV file with many secrets: secret_id and, to be compared, driver, account."),
]


def enroll(
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret.", metavar="SECRET_ID")] = "",
    *,
    yes: Yes = False,
    show: Show = False,
    from_file: FromFile = None,
    as_json: Json = False,
) -> int:
    """Bind a secret to its account, so that nobody who writes its value can have another one reset.

    Shows the driver, the account and where its logins go, asks, and writes the binding as a tag of the secret: the
    right secretsmanager:TagResource, which writers of values do not need. Where LOCKSTEP_BINDING demands it, by default
    for accounts that an admin credential resets, a secret without a binding is not rotated. Enroll again when the host
    of a machine was reinstalled, or when the secret is to rotate another account.

    With --from-file every secret of a list is enrolled, one line each; it may be run again at any time.

    Exits 0 when all are bound, 4 when one cannot be or a rotation of a shown one would be refused, 1 when the answer is
    no or it may pass by itself.
    """
    from rotation.cli.enrolment import Enrolment, How, enroll_list, enroll_or_show
    from rotation.cli.local_rotation import binder_for, store_for
    from rotation.deployment.deployment import Deployment
    from rotation.stores.aws.client import secrets_manager

    require_one(secret_id, from_file)
    client, deployment = secrets_manager(), Deployment.from_environment(os.environ)
    binder = binder_for(client, deployment)

    def look(name: str) -> Enrolment:
        store = store_for(client, name, deployment)
        return Enrolment.of(store, binder, lambda: store.name)

    how = How(yes=yes, show=show, as_json=as_json)
    if from_file is not None:
        return enroll_list(from_file, look, "secret_id", how)
    secret = {"secret_id": secret_id}
    with about(secret):
        return enroll_or_show(look(secret_id), secret, how)


def require_one(name: str, from_file: Path | None) -> None:
    """Raise unless either a secret or a list is named.

    Raises:
        CommandUsageError: both or none.
    """
    if bool(name) == (from_file is not None):
        raise CommandUsageError("name either one secret or --from-file")
