"""Every client of the AWS session reaches an endpoint on loopback directly, and others as the environment says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.client import ClientCreator

from rotation.stores.aws.client import secrets_manager
from rotation_testkit.doubles.proxy import EavesdroppingProxy
from rotation_testkit.doubles.serving import serve

TOKEN = (
    "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
    "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>k"
    "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
)


def test_a_credential_providers_own_client_goes_directly(
    proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The web identity of a role is sent by a client that botocore makes for itself."""
    asked: list[str] = []

    def sts(environ: Any, start: Any) -> list[bytes]:
        asked.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        start("200 OK", [("Content-Type", "text/xml")])
        return [TOKEN.encode()]

    identity = tmp_path / "identity"
    identity.write_text("web-identity-canary")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serve(sts) as address:
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(identity))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/rotation")
        credentials: Any = secrets_manager()._request_signer._credentials  # type: ignore[attr-defined]
        assert credentials.get_frozen_credentials().access_key == "AKIDROLE"
    assert "web-identity-canary" in asked[0]
    assert proxy.heard == []


def test_a_metadata_service_on_loopback_is_asked_directly(
    proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role's credentials, which it answers in clear, do not pass the proxy."""
    role = {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKIDHOST", "SecretAccessKey": "k", "Token": "t"}
    answers = {
        "/latest/api/token": "token",
        "/latest/meta-data/iam/security-credentials/": "role",
        "/latest/meta-data/iam/security-credentials/role": json.dumps(role | {"Expiration": "2099-01-01T00:00:00Z"}),
    }

    def service(environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [answers[environ["PATH_INFO"]].encode()]

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with serve(service) as address:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
        credentials: Any = secrets_manager()._request_signer._credentials  # type: ignore[attr-defined]
        assert credentials.get_frozen_credentials().access_key == "AKIDHOST"
    assert proxy.heard == []


def test_other_endpoints_keep_the_proxy(proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint elsewhere goes through the proxy unless ``NO_PROXY`` names it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNOBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://192.0.2.1")
    client: Any = secrets_manager()
    assert client._endpoint.http_session._proxy_config.proxy_url_for("https://192.0.2.1") == proxy.url
    monkeypatch.setenv("NO_PROXY", "192.0.2.1")
    client = secrets_manager()
    assert not client._endpoint.http_session._proxy_config.proxy_url_for("https://192.0.2.1")


def test_a_client_is_made_once_unless_a_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a proxy is a reason to make it again for an endpoint on loopback."""
    made: list[str] = []
    create = ClientCreator.create_client

    def counted(self: Any, **settings: Any) -> Any:
        made.append(settings["service_name"])
        return create(self, **settings)

    monkeypatch.setattr(ClientCreator, "create_client", counted)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert secrets_manager().meta.endpoint_url == "http://127.0.0.1:9"
    assert made == ["secretsmanager"]
