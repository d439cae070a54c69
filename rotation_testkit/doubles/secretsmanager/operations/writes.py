"""The operations that change secrets and versions; ``stages`` moves labels."""

from __future__ import annotations

from collections.abc import Mapping

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager.protocol.errors import (
    denied,
    exists,
    invalid_parameter,
    invalid_request,
    invalid_value,
)
from rotation_testkit.doubles.secretsmanager.rotations.schedule import due_after
from rotation_testkit.doubles.secretsmanager.state import (
    CURRENT,
    PENDING,
    Answer,
    Params,
    SecretRecord,
    ServiceState,
    StoredValue,
    Version,
)

_DAY = 86_400
_VALUE_BYTES = 65_536
_TAGS_PER_SECRET = 50
_RESERVED = "aws:"


def create_secret(state: ServiceState, params: Params) -> Answer:
    """Create a secret, with its first version when a value is given."""
    value = _value(params)
    token = _token(params) if value is not None else None
    name = params["Name"]
    twin = state.named(name)
    if twin is not None:
        return _created_again(twin, value, token)
    now = state.clock()
    secret = SecretRecord(arn=state.arn_for(name), name=name, created=now, changed=now)
    secret.description = params.get("Description")
    secret.kms_key = params.get("KmsKeyId")
    if "Tags" in params:
        secret.tags = _tagged({}, params)
    state.add(secret)
    answer: Answer = {"ARN": secret.arn, "Name": name}
    if value is None or token is None:
        return answer
    _add(state, secret, token, value, [CURRENT])
    return {**answer, "VersionId": token}


def _created_again(twin: SecretRecord, value: StoredValue | None, token: str | None) -> Answer:
    if twin.deleted is not None:
        raise invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    version = twin.versions.get(token or "")
    if version is None or version.value != value:
        raise exists(f"The operation failed because the secret {twin.name} already exists.")
    return {"ARN": twin.arn, "Name": twin.name, "VersionId": version.id}


def put_secret_value(state: ServiceState, params: Params) -> Answer:
    """Put a value under a token once; the same value again does nothing, another value is refused."""
    value = _value(params)
    token = _token(params)
    secret = state.find(params["SecretId"])
    if value is None:
        raise invalid_request("You must provide either SecretString or SecretBinary.")
    expected = state.rotation_tokens.get((secret.arn, token))
    if expected is not None and Secret(params.get("RotationToken", "")) != expected:
        raise denied("The request does not carry the RotationToken of the running rotation.")
    version = secret.versions.get(token)
    if version is not None and version.value is not None:
        if version.value != value:
            raise _token_taken(secret, token)
    else:
        _add(state, secret, token, value, params.get("VersionStages") or [CURRENT])
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": secret.stages(token)}


def update_secret(state: ServiceState, params: Params) -> Answer:
    """Change metadata, and the current value when one is given."""
    value = _value(params)
    token = _token(params) if value is not None else None
    secret = state.find(params["SecretId"])
    if token is not None and token in secret.versions:
        raise _token_taken(secret, token)
    answer: Answer = {"ARN": secret.arn, "Name": secret.name}
    if value is not None and token is not None:
        _add(state, secret, token, value, [CURRENT])
        answer["VersionId"] = token
    secret.description = params.get("Description", secret.description)
    secret.kms_key = params.get("KmsKeyId", secret.kms_key)
    secret.changed = state.clock()
    return answer


def _add(state: ServiceState, secret: SecretRecord, token: str, value: StoredValue, stages: list[str]) -> None:
    now = state.clock()
    secret.admit(token, now)
    labels = secret.labels
    first = not any(version.value is not None for version in secret.versions.values())
    for stage in dict.fromkeys([*stages, CURRENT] if first else stages):
        labels = secret.moved(stage, token, labels)
    if labels.get(CURRENT) == token and labels.get(PENDING) not in (None, token):
        # A version made by hand ends a pending rotation (CloudTrail page on RotationAbandoned; recorded 2022-09).
        labels = {label: holder for label, holder in labels.items() if label != PENDING}
    secret.relabel(labels)
    secret.versions.setdefault(token, Version(token, now)).value = value
    secret.versions[token].hidden_reads = state.lag_values
    secret.remove_outdated(now)
    secret.changed = now
    if secret.schedule is not None and labels.get(CURRENT) == token:
        secret.schedule.next = due_after(secret.schedule.rules, now)


def _token_taken(secret: SecretRecord, token: str) -> Exception:
    return exists(
        f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret "
        f"{secret.arn}."
    )


def _token(params: Params) -> str:
    token: str | None = params.get("ClientRequestToken")
    if token is None:
        raise invalid_request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
    return token


def _value(params: Params) -> StoredValue | None:
    given = [key for key in ("SecretString", "SecretBinary") if key in params]
    if not given:
        return None
    if len(given) > 1:
        raise invalid_parameter("You can't specify both a binary secret value and a string secret value.")
    content: str = params[given[0]]
    if given[0] == "SecretString" and len(content.encode()) > _VALUE_BYTES:
        raise invalid_value("Value at 'secretString' must have length less than or equal to 65536 bytes.")
    return StoredValue(Secret(content), binary=given[0] == "SecretBinary")


def delete_secret(state: ServiceState, params: Params) -> Answer:
    """Mark a secret for deletion, or drop it at once when forced."""
    now = state.clock()
    forced = params.get("ForceDeleteWithoutRecovery", False)
    days = params.get("RecoveryWindowInDays")
    if forced and days is not None:
        raise invalid_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if days is not None and not 7 <= days <= 30:  # noqa: PLR2004 - the documented recovery window
        raise invalid_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    if forced:
        gone = state.named(params["SecretId"])
        if gone is None:
            name = params["SecretId"]
            return {"ARN": state.arn_for(name), "Name": name, "DeletionDate": now}
        state.drop(gone.arn)
        return {"ARN": gone.arn, "Name": gone.name, "DeletionDate": now}
    secret = state.find(params["SecretId"])
    secret.deleted = now + (30 if days is None else days) * _DAY
    state.marked.add(secret.arn)
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": secret.deleted}


def restore_secret(state: ServiceState, params: Params) -> Answer:
    """Restore a secret within its recovery window."""
    secret = state.find(params["SecretId"], even_deleted=True)
    secret.deleted = None
    return {"ARN": secret.arn, "Name": secret.name}


def tag_resource(state: ServiceState, params: Params) -> Answer:
    """Add tags."""
    secret = state.find(params["SecretId"])
    secret.tags = _tagged(secret.tags or {}, params)
    secret.changed = state.clock()
    return {}


def _tagged(held: Mapping[str, str], params: Params) -> dict[str, str]:
    """Return the tags with those of a request added (AWS, "Tag secrets", and "Quotas", read 2026-11)."""
    given = {tag["Key"]: tag.get("Value", "") for tag in params["Tags"]}
    for text in (*given, *given.values()):
        if text.lower().startswith(_RESERVED):
            raise invalid_parameter("Tag keys and values that begin with aws: are reserved for AWS.")
    if len({**held, **given}) > _TAGS_PER_SECRET:
        raise invalid_parameter("A secret can have at most 50 tags.")
    return {**held, **given}


def untag_resource(state: ServiceState, params: Params) -> Answer:
    """Remove tags; absent ones are ignored."""
    secret = state.find(params["SecretId"])
    if secret.tags is not None:
        secret.tags = {key: value for key, value in secret.tags.items() if key not in params["TagKeys"]}
    secret.changed = state.clock()
    return {}
