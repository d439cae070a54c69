"""Build a Secrets Manager client from the standard AWS configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from rotation.core.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def secrets_manager() -> SecretsManagerClient:
    """Return a client; ``AWS_ENDPOINT_URL`` and ``AWS_ENDPOINT_URL_SECRETS_MANAGER`` are followed.

    Raises:
        ConfigError: no region, an unknown profile, or a malformed endpoint.
    """
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    # botocore itself reads AWS_DEFAULT_REGION only; Lambda and the AWS CLI know AWS_REGION.
    region = os.environ.get("AWS_REGION")
    try:
        session = botocore.session.get_session()
        return cast("SecretsManagerClient", session.create_client("secretsmanager", region_name=region, config=config))
    except (BotoCoreError, ValueError) as error:
        kind = type(error).__name__
    raise ConfigError(
        f"the AWS settings are not usable ({kind})",
        hint="Set AWS_REGION and credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). "
        "AWS_ENDPOINT_URL, where it is set, is a whole URL such as https://proxy.example:8443.",
    )
