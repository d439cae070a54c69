"""``vault mirror``: find and repair what two stores disagree on."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE
from rotation.cli.output import Json, emit, note
from vault_plugin.cli.shared import surroundings


class Side(StrEnum):
    """Where the secret is rotated."""

    VAULT = "vault"
    AWS = "aws"


def mirror(
    path: Annotated[str, typer.Argument(help="Path of the secret in its mount.")],
    *,
    source: Annotated[
        Side, typer.Option("--from", help="Where the secret is rotated; the other one is the mirror.")
    ] = Side.VAULT,
    secret_id: Annotated[
        str, typer.Option(help="The secret in AWS; else its custom metadata `lockstep-mirror` say.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Take the source's value when no login can tell.")] = False,
    as_json: Json = False,
) -> int:
    """Compare a secret with its mirror in AWS Secrets Manager and bring them together.

    A mirror that is behind is brought forward. Where it holds a value that the source never had, a login at the vendor
    decides which one is live.
    """
    from rotation.stores.vault_kv import VaultKv
    from vault_plugin.job.kv_rotation import STEP_SECONDS
    from vault_plugin.job.mirroring import Pair, allowed, aws_mirror, from_aws, from_kv, turned
    from vault_plugin.job.schedule import Wishes

    with surroundings() as (deployment, login, clock), login.kv(seconds=2 * STEP_SECONDS) as kv:
        metadata = kv.metadata(path) if not secret_id else None
        wished = None if metadata is None else Wishes.parse(metadata.custom).mirror
        pair = Pair(
            source=VaultKv(kv, path, clock=clock),
            target=aws_mirror(secret_id or allowed(wished or "", os.environ), clock),
            fetch=from_kv(kv) if source is Side.VAULT else from_aws,  # the deployment's, where it rotates
            deployment=deployment,
            clock=clock,
        )
        found = (pair if source is Side.VAULT else turned(pair)).reconcile(force=force)
    if as_json:
        emit({"path": path, "found": found.value})
    else:
        note(f"{path}: {found.value.replace('_', ' ')}")
    return DONE
