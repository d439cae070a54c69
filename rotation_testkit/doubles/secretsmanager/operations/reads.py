"""The operations that read: describe, get, list."""

from __future__ import annotations

from collections.abc import Iterable

from rotation_testkit.doubles.secretsmanager.protocol.errors import (
    ServiceError,
    invalid_parameter,
    invalid_request,
    not_found,
)
from rotation_testkit.doubles.secretsmanager.state import CURRENT, Answer, Params, SecretRecord, ServiceState, Version

_DAY = 86_400
_SORT_KEYS = {
    "created-date": lambda secret: secret.created,
    "last-changed-date": lambda secret: secret.changed,
    "last-accessed-date": lambda secret: secret.accessed or 0.0,
    "name": lambda secret: secret.name,
}


def describe(secret: SecretRecord) -> Answer:
    """Return the metadata; fields without a value are left out, as AWS does."""
    schedule = secret.schedule
    answer: Answer = {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description or None,
        "KmsKeyId": secret.kms_key or None,
        "CreatedDate": secret.created,
        "LastChangedDate": secret.changed,
        "LastAccessedDate": secret.accessed,
        "DeletedDate": secret.deleted,
        "Tags": None if secret.tags is None else tag_list(secret.tags),
        "VersionIdsToStages": secret.staged() or None,
    }
    if schedule is not None:
        answer |= {
            "RotationEnabled": schedule.enabled,
            "RotationLambdaARN": schedule.function,
            "RotationRules": dict(schedule.rules) or None,
            "LastRotatedDate": schedule.last,
            "NextRotationDate": schedule.next if schedule.enabled else None,
        }
    return {key: value for key, value in answer.items() if value is not None}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the shape of the wire."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def describe_secret(state: ServiceState, params: Params) -> Answer:
    """Describe a secret, also one marked for deletion."""
    secret = state.find(params["SecretId"], even_deleted=True)
    if secret.stale_reads > 0 and secret.stale_view is not None:
        secret.stale_reads -= 1
        return secret.stale_view
    return describe(secret)


def get_secret_value(state: ServiceState, params: Params) -> Answer:
    """Read a version by id, by label, or by both when they agree; AWSCURRENT when neither is given."""
    secret = state.find(params["SecretId"])
    version, named_by = _version(secret, params.get("VersionId"), params.get("VersionStage"))
    if version is None or version.value is None:
        raise not_found(f"the specified secret value for {named_by}")
    if version.hidden_reads > 0:
        version.hidden_reads -= 1
        raise not_found(f"the specified secret value for {named_by}")
    today = state.clock() // _DAY * _DAY
    secret.accessed = version.accessed = today
    field = "SecretBinary" if version.value.binary else "SecretString"
    answer: Answer = {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        field: version.value.content.reveal(),
        "CreatedDate": version.created,
    }
    stages = secret.stages(version.id)
    return {**answer, "VersionStages": stages} if stages else answer


def _version(secret: SecretRecord, version_id: str | None, stage: str | None) -> tuple[Version | None, str]:
    if version_id is not None:
        version = secret.versions.get(version_id)
        if version is not None and stage is not None and secret.labels.get(stage) != version_id:
            raise invalid_request("You provided a VersionStage that is not associated to the provided VersionId.")
        return version, f"VersionId: {version_id}"
    stage = stage or CURRENT
    return secret.versions.get(secret.labels.get(stage, "")), f"staging label: {stage}"


def list_secret_version_ids(state: ServiceState, params: Params) -> Answer:
    """List versions, oldest first; those without a label only on request."""
    secret = state.find(params["SecretId"], even_deleted=True)
    shown = [
        version
        for version in secret.versions.values()
        if secret.stages(version.id) or params.get("IncludeDeprecated", False)
    ]
    entries = [_version_entry(secret, version) for version in sorted(shown, key=lambda version: version.created)]
    page, token = state.page(f"versions of {secret.arn}", entries, params)
    answer: Answer = {"ARN": secret.arn, "Name": secret.name, "Versions": page}
    return {**answer, "NextToken": token} if token else answer


def _version_entry(secret: SecretRecord, version: Version) -> Answer:
    entry: Answer = {
        "VersionId": version.id,
        "CreatedDate": version.created,
        "KmsKeyIds": [secret.kms_key or "DefaultEncryptionKey"],
        "VersionStages": secret.stages(version.id) or None,
        "LastAccessedDate": version.accessed,
    }
    return {key: value for key, value in entry.items() if value is not None}


def list_secrets(state: ServiceState, params: Params) -> Answer:
    """List secrets by the filters of ``ListSecrets``; those marked for deletion only on request."""
    state.drop_deleted()
    found = [
        secret
        for secret in list(state.secrets.values())
        if (secret.deleted is None or params.get("IncludePlannedDeletion", False))
        and all(_matches(secret, one) for one in params.get("Filters", ()))
    ]
    found.sort(key=_SORT_KEYS[params.get("SortBy", "created-date")], reverse=params.get("SortOrder") == "desc")
    page, token = state.page("secrets", found, params)
    answer: Answer = {"SecretList": [_list_entry(secret) for secret in page]}
    return {**answer, "NextToken": token} if token else answer


def _list_entry(secret: SecretRecord) -> Answer:
    entry = describe(secret)
    stages = entry.pop("VersionIdsToStages", None)
    return {**entry, "SecretVersionsToStages": stages} if stages else entry


def _matches(secret: SecretRecord, one: Params) -> bool:
    key = one.get("Key")
    if key is None or "Values" not in one:
        raise invalid_parameter("A filter needs a Key and Values.")
    tags = secret.tags or {}
    fields: dict[str, Iterable[str]] = {
        "name": [secret.name],
        "description": [secret.description or ""],
        "tag-key": tags.keys(),
        "tag-value": tags.values(),
    }
    if key not in fields:
        raise ServiceError("NotImplemented", f"this double has no filter {key}", status=501)
    folds = key == "description"
    return any(_one_matches(fields[key], value, folds=folds) for value in one["Values"])


def _one_matches(texts: Iterable[str], value: str, *, folds: bool) -> bool:
    wanted = value.removeprefix("!")
    hit = any(text.lower().startswith(wanted.lower()) if folds else text.startswith(wanted) for text in texts)
    return hit is not value.startswith("!")
