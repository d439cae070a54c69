"""``verify``: check whether the stored password opens the account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE, WAITS, exit_code
from rotation.cli.output import Json, SpendATry, about, console, emit, show_error
from rotation.core.errors import LoginRejected, RotationError

if TYPE_CHECKING:
    from rotation.engine.session import Session


def verify(
    secret_id: Annotated[str, typer.Argument(help="Name or ARN of the secret.", metavar="SECRET_ID")],
    *,
    spend_a_try: SpendATry = False,
    as_json: Json = False,
) -> int:
    """Check whether the secret's current password opens the account. Nothing is reset.

    Before the login, the command charges it to the wrong-login budget, as a label on the current version. All rotations
    of the secret share this budget. When the vendor accepts the password, the command removes the charge. A wrong
    password stays charged until the lock-out window ends. Until then it is not tried again, except with --spend-a-try.

    Exits 0 when the password opens the account, 4 when it does not. Exits 3 when no login may be tried now, or when the
    vendor has no login. Exits 1 when the vendor cannot be reached.
    """
    from rotation.cli.local_rotation import session_for
    from rotation.stores.aws.client import secrets_manager

    secret = {"secret_id": secret_id}
    with about(secret):
        session = session_for(secrets_manager(), secret_id, os.environ, spend=spend_a_try)
        return check(session, secret, as_json=as_json)


def check(session: Session, secret: Mapping[str, object], *, as_json: bool) -> int:
    """Check a secret in any store, show the result and return the exit code.

    ``secret`` has the fields by which ``--json`` names the secret.
    """
    from rotation.engine.run import verify as check_current

    try:
        result = check_current(session)
    except RotationError as error:
        if as_json:
            outcome = "drifted" if isinstance(error, LoginRejected) else error.code
            emit({**secret, "outcome": outcome, "error": error.describe()})
        else:
            show_error(error, as_json=False)
        return exit_code(error)
    evidence = result.evidence.name if result.evidence else None
    if as_json:
        members = [each.describe() for each in result.members]
        fields = {**secret, "outcome": result.outcome, "driver": result.driver, "evidence": evidence}
        emit(fields | ({"members": members} if members else {}))
    elif evidence:
        what = "the current password opens the account"
        if result.members:
            what = f"the current passwords of all {len(result.members)} accounts open them"
        console().print(f"{what}, proved by {evidence} ({result.driver})")
    else:
        console().print(f"not checkable: {result.driver} has no login check here, and reads no password back")
    return DONE if evidence else WAITS
