"""Translates what goes wrong on the way to Secrets Manager, and says who can put it right.

Of AWS's sentences only facts of a known form are shown: an action, a principal, a resource. botocore's own texts are
withheld, since they may quote parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from rotation.core.errors import (
    SecretNotFound,
    StageConflict,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
    StoreUnreachable,
)
from rotation.core.process.unreached import Server, lasting

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

T = TypeVar("T")

SERVICE = Server("Secrets Manager", address="AWS_ENDPOINT_URL", authorities="AWS_CA_BUNDLE")

_ERRORS: dict[str, tuple[type[StoreError], str]] = {
    "ResourceNotFoundException": (SecretNotFound, "the secret does not exist"),
    "ResourceExistsException": (StageConflict, "another value sits under this token"),
    "InvalidParameterException": (StoreError, "a parameter is not valid for this secret"),
    "AccessDeniedException": (StoreDenied, "the caller may not do this"),
    "AccessDenied": (StoreDenied, "the caller may not do this"),
    "DecryptionFailure": (StoreDenied, "the secret's KMS key cannot be used to decrypt"),
    "EncryptionFailure": (StoreDenied, "the secret's KMS key cannot be used to encrypt"),
    "InvalidRequestException": (StoreError, "the secret is scheduled for deletion or does not allow this"),
    "LimitExceededException": (StoreFull, "a quota of Secrets Manager is used up"),
    "UnrecognizedClientException": (StoreDenied, "the AWS credentials are not valid"),
    "InvalidSignatureException": (StoreDenied, "the AWS credentials or the clock are not valid"),
    "InvalidClientTokenId": (StoreDenied, "the AWS credentials are not valid"),
    "SignatureDoesNotMatch": (StoreDenied, "the AWS credentials or the clock are not valid"),
    "IncompleteSignature": (StoreDenied, "the AWS credentials are not valid"),
    "IncompleteSignatureException": (StoreDenied, "the AWS credentials are not valid"),
    "MissingAuthenticationToken": (StoreDenied, "no AWS credentials were sent"),
    "MissingAuthenticationTokenException": (StoreDenied, "no AWS credentials were sent"),
    "RequestExpired": (StoreDenied, "the clock of this machine differs too much from AWS's"),
    "RequestTimeTooSkewed": (StoreDenied, "the clock of this machine differs too much from AWS's"),
    "ExpiredTokenException": (StoreDenied, "the AWS session has expired"),
    "ExpiredToken": (StoreDenied, "the AWS session has expired"),
    "OptInRequired": (StoreDenied, "the AWS account has not enabled this service or region"),
    "UnknownOperationException": (StoreUnreachable, "another service than Secrets Manager answers at this address"),
    "UnknownOperation": (StoreUnreachable, "another service than Secrets Manager answers at this address"),
    "ValidationException": (StoreError, "a parameter breaks a constraint of the API"),
}
"""Everything else (throttling, InternalServiceError, 5xx) is worth another attempt."""

_LOGIN = (
    "Log in to AWS: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "`aws sts get-caller-identity` shows who you are."
)
_SSO = "Run `aws sso login` (with --profile, or AWS_PROFILE), and then the same command again."
_PORTAL = (
    "It may be a proxy, or the log-in page of a network: look at HTTPS_PROXY and AWS_ENDPOINT_URL, settings of the "
    "deployment."
)
_CLOCK = "Set the clock of this machine by NTP; AWS takes five minutes of difference."
_PARAMETER = "Compare the secret's name or ARN and the token with what `aws secretsmanager describe-secret` shows."
_KEY = (
    "The secret's KMS key may be disabled or be about to be deleted (`aws kms describe-key`), or its policy and the "
    "caller's lack kms:Decrypt and kms:GenerateDataKey. The key is the secret's setting, the right the deployment's."
)
_HINTS = {
    "InvalidRequestException": "If the secret is marked for deletion, restore it (`aws secretsmanager restore-secret`) "
    "or switch its rotation off. A secret that an AWS service owns is rotated by that service alone.",
    "InvalidParameterException": _PARAMETER,
    "ValidationException": _PARAMETER,
    "DecryptionFailure": _KEY,
    "EncryptionFailure": _KEY,
    "ExpiredToken": f"{_SSO} Other temporary credentials: fetch new ones.",
    "ExpiredTokenException": f"{_SSO} Other temporary credentials: fetch new ones.",
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "UnknownOperation": "Correct AWS_ENDPOINT_URL, a setting of the deployment.",
    "UnknownOperationException": "Correct AWS_ENDPOINT_URL, a setting of the deployment.",
    "OptInRequired": "Enable the region for the account, or correct AWS_REGION.",
} | dict.fromkeys(
    (
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"),
        *("IncompleteSignature", "IncompleteSignatureException"),
        *("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    ),
    _LOGIN,
)

_SIGNED_OUT = tuple(
    getattr(exceptions, name)
    for name in ("SSOError", "TokenRetrievalError", "LoginError", "UnauthorizedSSOTokenError", "SSOTokenLoadError")
    if hasattr(exceptions, name)
)
_NO_LOGIN = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.ConfigNotFound,
    exceptions.InvalidConfigError,
    exceptions.UnknownCredentialError,
)
_DENIED = re.compile(
    r"User: (?P<who>arn:[\w:/+=,.@-]{1,300}) is not authorized to perform: (?P<action>[a-z0-9-]{1,40}:[A-Za-z]{1,80})"
    r"(?: on resource: (?P<resource>arn:[\w:/+=,.@*!-]{1,600}))?"
)


def asked(client: SecretsManagerClient, secret_id: str, call: Callable[[], T]) -> T:
    """Run one call about a secret and translate its errors.

    Raises:
        StoreError: ``StoreUnavailable`` is worth another attempt; the hint of every other one says what to put right.
    """
    failure: StoreError
    try:
        answer = call()
    except ClientError as error:
        failure = _refused(error, client, secret_id)
    except StoreUnavailable as error:
        failure = error.changed()
    except ParamValidationError:
        failure = StoreError("Secrets Manager's client refused a parameter", hint=_PARAMETER)
    except _SIGNED_OUT as error:
        failure = StoreDenied(f"the AWS SSO session is missing or has expired ({type(error).__name__})", hint=_SSO)
    except _NO_LOGIN as error:
        failure = StoreDenied(f"no usable AWS credentials were found ({type(error).__name__})", hint=_LOGIN)
    except BotoCoreError as error:
        failure = _unreached(error, str(client.meta.endpoint_url))
    else:
        if not _is_empty(answer):
            return answer
        failure = StoreUnreachable("something else answers in Secrets Manager's place", hint=_PORTAL)
    raise failure


def _is_empty(answer: object) -> bool:
    """Return whether an answer is a page that botocore took for an empty object: it has not even a request id."""
    return (
        isinstance(answer, dict)
        and answer.keys() == {"ResponseMetadata"}
        and "RequestId" not in answer["ResponseMetadata"]
    )


def require_primary(answer: Any, client: SecretsManagerClient) -> None:  # noqa: ANN401 - the API's answer
    """Raise if a description is that of a replica, which nobody can write to.

    Raises:
        StoreError: names the region of the primary secret.
    """
    region = str(answer.get("PrimaryRegion") or "")
    if region and region != client.meta.region_name:
        shown = region if re.fullmatch(r"[a-z0-9-]{1,40}", region) else "another region"
        raise StoreError(
            f"the secret is a replica of one in {shown}",
            vendor_code="replica",
            hint=f"Rotate the primary secret: AWS_REGION={shown}, and its own ARN. Replicas follow by themselves.",
        )


def _unreached(error: BotoCoreError, url: str) -> StoreError:
    found = lasting(error, url, SERVICE)
    if found is not None:
        return StoreUnreachable(found[0], hint=found[1])
    hint = None
    if isinstance(error, exceptions.ProxyConnectionError):
        hint = "The proxy that HTTPS_PROXY names does not answer; it is a setting of the deployment."
    elif isinstance(error, exceptions.EndpointConnectionError):
        hint = "Check AWS_REGION (a misspelt one has no host), DNS, routes and the VPC's endpoint; it may also pass."
    return StoreUnavailable(f"Secrets Manager could not be reached ({type(error).__name__})", hint=hint)


def _refused(error: ClientError, client: SecretsManagerClient, secret_id: str) -> StoreError:
    response: Any = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    request_id = response.get("ResponseMetadata", {}).get("RequestId")
    cls, message = _ERRORS.get(code, (StoreUnavailable, "Secrets Manager throttled or failed"))
    hint = _HINTS.get(code)
    said = str(response.get("Error", {}).get("Message", ""))
    if cls is SecretNotFound:
        hint = _not_here(client, secret_id)
    elif code in ("AccessDeniedException", "AccessDenied"):
        message, hint = _denied(said, str(error.operation_name), secret_id)
    elif "replica secret" in said.lower():  # InvalidParameterException, by reports of 2023-04 and 2026-07
        message, hint = "the secret is a replica", "Rotate the primary secret, in its own region (AWS_REGION)."
    return cls(message, hint=hint, vendor_code=code or None, request_id=request_id)


def _not_here(client: SecretsManagerClient, secret_id: str) -> str | None:
    """Return the hint for a secret that was not found: the region of its ARN may be another one."""
    region = secret_id.split(":")[3] if secret_id.startswith("arn:") and secret_id.count(":") > 3 else ""  # noqa: PLR2004 - the place of the region
    if not re.fullmatch(r"[a-z0-9-]{1,40}", region) or region == client.meta.region_name:
        return None
    return f"The ARN is of {region}, but {client.meta.region_name} was asked: set AWS_REGION={region}."


def _denied(said: str, operation: str, secret_id: str) -> tuple[str, str]:
    """Return message and hint that name action, resource and who lacks the right."""
    if "KMS" in said or "kms:" in said:
        return f"the caller may not use the secret's KMS key for {operation}", _KEY
    facts = _DENIED.search(said)
    action = facts["action"] if facts else f"secretsmanager:{operation}"
    who = facts["who"] if facts else "the caller (`aws sts get-caller-identity` shows it)"
    resource = (facts["resource"] if facts else None) or secret_id
    grant = "Grant it in its own policy, or in the secret's if that denies it; template.yaml lists the function's."
    return f"{action} on {resource} is denied", f"{who} lacks this right. {grant}"
