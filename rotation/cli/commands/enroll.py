"""``enroll``: make a secret, bind it to the account that its value names, and switch its rotation on as a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE, FAILED, CommandUsageError
from rotation.cli.output import Json, about

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from rotation.cli.enrolment import Enrolment
    from rotation.cli.new_secret import NewSecret
    from rotation.deployment.binder import Binder

Yes = Annotated[bool, typer.Option("--yes", help="Write the binding without asking.")]
Show = Annotated[bool, typer.Option("--show", help="Only show what the secret is bound to.")]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from-file",
        help="CSV file with one secret per line. Column secret_id is needed; columns driver and account are compared "
        "with the values.",
    ),
]
Driver = Annotated[
    str, typer.Option("--driver", metavar="CODE", help="If the secret does not exist, make it for this driver.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of the new secret; may be repeated.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="The new secret's password is the first line of standard input.")
]
HostKey = Annotated[
    str,
    typer.Option("--host-key", metavar="SHA256:…", help="The fingerprint that the new secret's SSH host must show."),
]


Function = Annotated[
    str,
    typer.Option(
        metavar="ARN",
        help="Switch rotation on with this function. Secrets Manager then tests the function; the test resets nothing.",
    ),
]
Every = Annotated[
    str, typer.Option(metavar="EXPRESSION", help="The rotation schedule in AWS's form; by default rate(30 days).")
]
KmsKey = Annotated[
    str, typer.Option(metavar="KEY", help="The new secret's KMS key; by default the AWS account's aws/secretsmanager.")
]


def enroll(  # noqa: PLR0913 - one option each
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret.", metavar="SECRET_ID")] = "",
    *,
    yes: Yes = False,
    show: Show = False,
    from_file: FromFile = None,
    driver: Driver = "",
    keys: Set = None,
    password_stdin: PasswordStdin = False,
    host_key: HostKey = "",
    function: Function = "",
    every: Every = "",
    kms_key: KmsKey = "",
    as_json: Json = False,
) -> int:
    """Bind a secret to its account. With --driver, make the secret first if it does not exist.

    Lockstep then rotates only this account, even if somebody writes another account into the value.

    The command shows the driver, the account and the hosts of its logins, and asks for your consent. It then writes the
    binding as a tag of the secret. You need the right secretsmanager:TagResource; people who only write values must not
    have it. Enroll again after a host was reinstalled, or to rotate another account. --from-file enrolls every secret
    of a list.

    With --driver the command makes a missing secret. It asks for the keys that --set does not give, and shows the SSH
    host's key for you to compare. It logs in once with the password before it stores it. With --function it also
    switches rotation on, with the schedule --every. Secrets Manager then tests the function without a reset. If the
    command is stopped, run it again: it continues, and does not make the secret twice.

    Exits 0 when all secrets are bound. Exits 4 when a secret cannot be bound, or when --show finds a secret whose
    rotation would be refused. Exits 1 when you answer no, or when the failure may pass by itself.
    """
    from rotation.cli.new_secret import NewSecret

    require_one(secret_id, from_file)
    wish = NewSecret(driver=driver, keys=keys or (), host_key=host_key, from_stdin=password_stdin, yes=yes)
    if from_file is not None and (wish.wanted or function):
        raise CommandUsageError("--from-file binds secrets that exist; it makes none")
    onboarding = _Onboarding(wish=wish, show=show, as_json=as_json, function=function, every=every, kms_key=kms_key)
    if from_file is not None:
        return onboarding.of_list(from_file)
    with about({"secret_id": secret_id}):
        return onboarding.of_one(secret_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Onboarding:
    """The steps of enrolment that the options ask for."""

    wish: NewSecret
    show: bool
    as_json: bool
    function: str
    every: str
    kms_key: str

    def of_list(self, path: Path) -> int:
        """Bind every secret of a list."""
        from rotation.cli.enrolment import How, enroll_list

        how = How(yes=self.wish.yes, show=self.show, as_json=self.as_json)
        return enroll_list(path, self._look()[2], "secret_id", how)

    def of_one(self, secret_id: str) -> int:
        """Make a secret unless it exists, bind it, and switch its rotation on, as far as that is asked for."""
        from rotation.cli.attachment import Attachment, attach, create, exists, go_on
        from rotation.cli.enrolment import How, enroll_or_show
        from rotation.cli.new_secret import make

        how = How(yes=self.wish.yes, show=self.show, as_json=self.as_json)
        client, binder, look = self._look()
        agreed = None
        if self.wish.wanted and not self.show and not exists(client, secret_id):
            agreed = make(self.wish, binder, lambda document: create(client, secret_id, document, self.kms_key))
            if agreed is None:
                return FAILED
            go_on(secret_id, "the secret is made, and not bound yet")
            how = replace(how, yes=True)
        found = look(secret_id)
        if agreed is not None:
            found.require_shown(agreed)
        code = enroll_or_show(found, {"secret_id": secret_id}, how)
        if code != DONE or self.show or not self.function:
            return code
        go_on(secret_id, "the secret is bound, and its rotation is not switched on yet")
        attachment = Attachment(function=self.function, schedule=self.every)
        return attach(client, secret_id, attachment, as_json=self.as_json)

    def _look(self) -> tuple[SecretsManagerClient, Binder, Callable[[str], Enrolment]]:
        """Return a client, a binder, and a function that reads a secret."""
        from rotation.cli.enrolment import Enrolment
        from rotation.cli.local_rotation import binder_for, store_for
        from rotation.deployment.deployment import Deployment
        from rotation.stores.aws.client import secrets_manager

        client, deployment = secrets_manager(), Deployment.from_environment(os.environ)
        binder = binder_for(client, deployment)

        def look(name: str) -> Enrolment:
            store = store_for(client, name, deployment)
            return Enrolment.of(store, binder, lambda: store.name)

        return client, binder, look


def require_one(name: str, from_file: Path | None) -> None:
    """Raise unless either a secret or a list is named.

    Raises:
        CommandUsageError: both or none.
    """
    if bool(name) == (from_file is not None):
        raise CommandUsageError("name either one secret or --from-file")
