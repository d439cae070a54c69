"""``UpdateSecretVersionStage``: the label moves that make a compare-and-swap."""

from __future__ import annotations

from rotation_testkit.doubles.secretsmanager.protocol.errors import invalid_parameter
from rotation_testkit.doubles.secretsmanager.state import CURRENT, Answer, Params, SecretRecord, ServiceState


def update_secret_version_stage(state: ServiceState, params: Params) -> Answer:
    """Attach, move or detach one label; a caller that takes a label from a version must name that version."""
    secret = state.find(params["SecretId"])
    label: str = params["VersionStage"]
    source: str | None = params.get("RemoveFromVersionId")
    target: str | None = params.get("MoveToVersionId")
    _check(secret, label, source, target)
    if target is None:
        secret.relabel({one: holder for one, holder in secret.labels.items() if one != label})
    else:
        secret.relabel(secret.moved(label, target, secret.labels))
    secret.changed = state.clock()
    return {"ARN": secret.arn, "Name": secret.name}


def _check(secret: SecretRecord, label: str, source: str | None, target: str | None) -> None:
    holder = secret.labels.get(label)
    if source is None and target is None:
        raise invalid_parameter("You must specify RemoveFromVersionId, MoveToVersionId or both.")
    if target is not None and target not in secret.versions:
        raise invalid_parameter(f"Not a valid version: {target}")
    if source is not None and source != holder:
        raise invalid_parameter(f"The staging label {label} isn't attached to version {source}.")
    if source is None and holder is not None and holder != target:
        raise invalid_parameter(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version "
            f"{holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if label == CURRENT and target is None:
        raise invalid_parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."
        )
