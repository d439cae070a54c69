"""Reads a parameter of AWS Systems Manager, which may hold a deployment's configuration; never a secret."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from rotation.core.errors import ConfigError, RotationError, StoreDenied, StoreUnavailable
from rotation.stores.aws.client import client

_WHAT = "the SSM parameter of LOCKSTEP_CONFIG"
_MISSING = frozenset({"ParameterNotFound", "ParameterVersionNotFound", "ValidationException"})
_DENIED = frozenset(
    {
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def read_parameter(name: str) -> str:
    """Return the text of a parameter of type String.

    Raises:
        ConfigError: there is no such parameter, it is encrypted, or the AWS settings are not usable.
        StoreDenied: the credentials may not read it.
        StoreUnavailable: the service did not answer.
    """
    try:
        found = client("ssm").get_parameter(Name=name)["Parameter"]
    except ClientError as error:
        failure = _failure(str(error.response.get("Error", {}).get("Code", "")))
    except BotoCoreError as error:
        failure = StoreUnavailable(f"{_WHAT} could not be read ({type(error).__name__})")
    else:
        if found["Type"] == "String":
            return str(found["Value"])
        failure = ConfigError(
            f"{_WHAT} is not of type String", hint="The configuration holds no secret: store it as a plain String."
        )
    raise failure


def _failure(code: str) -> RotationError:
    if code in _MISSING:
        return ConfigError(f"{_WHAT} does not exist ({code})", hint="LOCKSTEP_CONFIG is ssm: and the parameter's name.")
    if code in _DENIED:
        return StoreDenied(
            f"{_WHAT} may not be read ({code})",
            hint="Grant ssm:GetParameter on this parameter; the template's parameter Configuration does.",
        )
    return StoreUnavailable(f"{_WHAT} could not be read ({code})")
