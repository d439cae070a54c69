"""Build clients for AWS services from the standard AWS configuration."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rotation.core.errors import ConfigError
from rotation.core.proxies import is_loopback
from rotation.stores.aws.deadline import ANSWER_SECONDS, CONNECT_SECONDS, before_send

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def secrets_manager() -> SecretsManagerClient:
    """Return a client for Secrets Manager; see ``client``."""
    return cast("SecretsManagerClient", client("secretsmanager"))


def client(
    service: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = ANSWER_SECONDS, attempts: int = 3
) -> Any:  # noqa: ANN401 - botocore has no types
    """Return a client; ``AWS_ENDPOINT_URL`` and, for one service, ``AWS_ENDPOINT_URL_SECRETS_MANAGER`` are followed.

    Args:
        service: its name in botocore.
        connect_seconds: the longest that connecting may take.
        read_seconds: the longest that an answer may take.
        attempts: how often a call is made that fails by itself.

    Raises:
        ConfigError: no region, an unknown profile, or a malformed endpoint.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    # botocore itself reads AWS_DEFAULT_REGION only; Lambda and the AWS CLI know AWS_REGION.
    region = os.environ.get("AWS_REGION") or None  # compose files and CI systems set empty variables
    try:
        made = _session(service).create_client(service, region_name=region, config=config)
        made.meta.events.register("before-send", partial(before_send, read_seconds))
    except (BotoCoreError, ValueError) as error:
        kind = type(error).__name__
    else:
        return made
    raise ConfigError(
        f"the AWS settings are not usable ({kind})",
        hint="Set AWS_REGION and credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). "
        "AWS_ENDPOINT_URL, where it is set, is a whole URL such as https://proxy.example:8443.",
    )


def _session(service: str) -> Any:  # noqa: ANN401 - botocore has no types
    """Return a service's session, whose clients, a credential provider's included, call loopback without the proxy."""
    import botocore.session
    from botocore.config import Config
    from botocore.utils import get_environ_proxies

    from rotation.stores.aws.models import FewModels

    session: Any = botocore.session.get_session()  # it has stubs, which know nothing of what is replaced here
    paths = session.get_component("data_loader").search_paths
    # Without keys in the environment, credentials may come by a client of another service.
    only_secrets = service == "secretsmanager" and bool(os.environ.get("AWS_ACCESS_KEY_ID"))
    session.register_component("data_loader", FewModels(paths, only_secrets=only_secrets))
    create = session.create_client

    def create_client(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - as above
        client = create(*arguments, **settings)
        endpoint = client.meta.endpoint_url
        if not get_environ_proxies(endpoint) or not is_loopback(endpoint):
            return client
        client.close()
        config = settings.pop("config", None) or Config()
        return create(*arguments, config=config.merge(Config(proxies={})), **settings)

    session.create_client = create_client
    _ask_metadata_directly(session)
    return session


def _ask_metadata_directly(session: Any) -> None:  # noqa: ANN401 - as above
    """Get a role's credentials without the proxy from a metadata service on loopback; its answers are in clear."""
    address = session.get_config_variable("ec2_metadata_service_endpoint")
    if not address or not is_loopback(address):
        return
    from botocore.httpsession import URLLib3Session

    provider = session.get_component("credential_provider").get_provider("iam-role")
    fetcher = provider._role_fetcher  # noqa: SLF001 - botocore 1.43 has no setting for it
    fetcher._session = URLLib3Session(timeout=fetcher._timeout, proxies={})  # noqa: SLF001 - as above
