"""``vault mirror``: compare a secret with its mirror and repair the difference."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, emit, note
from vault_plugin.cli.shared import SecretPath, job_environment


class Side(StrEnum):
    """Where the secret is rotated."""

    VAULT = "vault"
    AWS = "aws"


def mirror(
    path: SecretPath,
    *,
    source: Annotated[
        Side, typer.Option("--from", help="The store in which the secret is rotated; the other store has the mirror.")
    ] = Side.VAULT,
    secret_id: Annotated[
        str, typer.Option(help="The secret in AWS; by default the custom metadata `lockstep-mirror` names it.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Use the source's value if no login can show which value is live.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Compare a secret with its mirror in AWS Secrets Manager, and store the live value in both.

    A mirror with the previous value gets the current value. If the mirror has a value that the source never had, a
    login at the vendor decides which value is live.
    """
    from rotation.stores.aws.client import secrets_manager
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.kv_rotation import STEP_SECONDS
    from vault_plugin.job.mirroring import MirrorPair, allowed, aws_mirror, from_aws, from_kv
    from vault_plugin.job.schedule import Wishes
    from vault_plugin.mirror_link import aws_source, require_aws_link, require_kv_link, vault_source

    with job_environment() as (deployment, login, clock), login.kv(seconds=2 * STEP_SECONDS) as kv:
        metadata = kv.metadata(path) if not secret_id else None
        wished = None if metadata is None else Wishes.parse(metadata.custom).mirror
        name, client = secret_id or allowed(wished or "", os.environ), secrets_manager()
        if source is Side.VAULT:
            require_aws_link(client, name, vault_source(path, os.environ))
        else:
            require_kv_link(kv, path, aws_source(client, name))
        pair = MirrorPair(
            source=VaultKv(kv, path, clock=clock),
            target=aws_mirror(name, lambda: client),
            fetch=from_kv(kv) if source is Side.VAULT else from_aws,  # the side that rotates has the admin credential
            deployment=deployment,
            clock=clock,
        )
        state = (pair if source is Side.VAULT else pair.swapped()).reconcile(force=force)
    if as_json:
        emit({"path": path, "found": state.value})
    else:
        note(f"{path}: {state.value.replace('_', ' ')}")
    return DONE
