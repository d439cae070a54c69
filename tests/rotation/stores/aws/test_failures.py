"""What goes wrong on the way to Secrets Manager: what lasts until it is put right, who can do that, and how."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rotation.core.errors import SecretNotFound, StoreDenied, StoreError, StoreUnavailable, StoreUnreachable
from rotation.stores.aws import failures
from rotation.stores.aws.failures import asked, require_primary
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.doubles.hosts.winrm import WinRmHost

NAME, REGION = "lockstep/app", "eu-central-1"
ARN = f"arn:aws:secretsmanager:{REGION}:111122223333:secret:lockstep/app-AbCdEf"
ROLE = "arn:aws:sts::111122223333:assumed-role/lockstep-rotation/lockstep"


def client(url: str | None = None, *, keys: bool = True, **choices: Any) -> Any:
    """Return an unmodified client of botocore that asks once."""
    given = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "x"} if keys else {}
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
    session = botocore.session.get_session()
    return session.create_client(
        "secretsmanager", region_name=REGION, endpoint_url=url, config=config, **given, **choices
    )


def described(aws: Any, secret_id: str = NAME) -> StoreError:
    """Describe a secret, and return the error."""
    with pytest.raises(StoreError) as caught:
        AwsSecretsManager(aws, secret_id).describe()
    assert caught.value.__context__ is None
    return caught.value


@pytest.fixture
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the file of AWS settings, which is empty, where no variable names any credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


@pytest.mark.usefixtures("own_settings")
def test_a_certificate_that_nobody_trusts_lasts() -> None:
    """A real TLS listener whose authority is unknown, and a file of authorities that is not there."""
    with WinRmHost(dict) as host:
        url = f"https://127.0.0.1:{host.port}"
        for choices in ({}, {"verify": "/nowhere/authorities.pem"}):
            error = described(client(url, **choices))
            assert (type(error), error.retryable, "AWS_CA_BUNDLE" in error.hint) == (StoreUnreachable, False, True)


@pytest.mark.usefixtures("own_settings")
def test_a_closed_port_of_this_machine_and_a_server_without_tls_last() -> None:
    """Both name the deployment's setting; a host elsewhere that cannot be reached may come back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = described(client(f"http://127.0.0.1:{port}"))
    assert (type(error), "AWS_ENDPOINT_URL" in error.hint) == (StoreUnreachable, True)
    error = described(client("http://no-such-host.invalid"))
    assert (type(error), error.retryable, "AWS_REGION" in error.hint) == (StoreUnavailable, True, True)


@pytest.mark.parametrize("session", [True, False])
def test_an_expired_sso_session_says_aws_sso_login(
    own_settings: Path, monkeypatch: pytest.MonkeyPatch, *, session: bool
) -> None:
    """The real provider of botocore, with a profile whose token is not there; both forms of such a profile."""
    form = "sso_session = corp\n" if session else "sso_start_url = https://corp.example/\nsso_region = eu-central-1\n"
    more = "[sso-session corp]\nsso_start_url = https://corp.example/\nsso_region = eu-central-1\n" if session else ""
    account = "sso_account_id = 111122223333\nsso_role_name = admin\n"
    own_settings.write_text(f"[profile corp]\n{form}{account}{more}")
    monkeypatch.setenv("AWS_PROFILE", "corp")
    error = described(client(keys=False))
    assert (type(error), error.retryable) == (StoreDenied, False)
    assert "aws sso login" in error.hint


@pytest.mark.usefixtures("own_settings")
def test_no_credentials_at_all_say_how_to_log_in() -> None:
    """The hint speaks to a person, who is no rotation role."""
    error = described(client(keys=False))
    assert (type(error), "aws sts get-caller-identity" in error.hint) == (StoreDenied, True)


def refusal(code: str, message: str, secret_id: str = NAME) -> StoreError:
    """Return the error for an answer of the service."""

    def call() -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "UpdateSecretVersionStage")

    with pytest.raises(StoreError) as caught:
        asked(client(), secret_id, call)
    return caught.value


@pytest.mark.usefixtures("own_settings")
def test_a_denial_names_action_resource_and_who_lacks_it() -> None:
    """The facts come from AWS's sentence (its form of 2026-11), and nothing else of it is shown."""
    said = (
        f"User: {ROLE} is not authorized to perform: secretsmanager:UpdateSecretVersionStage on resource: {ARN} "
        "because no identity-based policy allows the secretsmanager:UpdateSecretVersionStage action, canary-4711"
    )
    error = refusal("AccessDeniedException", said)
    assert error.message == f"secretsmanager:UpdateSecretVersionStage on {ARN} is denied"
    assert error.hint.startswith(f"{ROLE} lacks this right.")
    assert "canary" not in error.message + error.hint


@pytest.mark.usefixtures("own_settings")
@pytest.mark.parametrize("said", ["", "User: \x1b[31mroot is not authorized to perform: x on resource: canary-4711"])
def test_a_denial_that_says_nothing_of_a_known_form_names_the_call(said: str) -> None:
    """The operation is known without AWS's sentence, which is not shown."""
    error = refusal("AccessDeniedException", said)
    assert error.message == f"secretsmanager:UpdateSecretVersionStage on {NAME} is denied"
    assert "canary" not in error.hint


@pytest.mark.usefixtures("own_settings")
def test_a_kms_key_that_cannot_be_used_is_named_as_such() -> None:
    """A disabled key and a missing right on it: both codes of the service, and the denial that speaks of KMS."""
    for code, said in (
        ("DecryptionFailure", ""),
        ("EncryptionFailure", ""),
        ("AccessDeniedException", "Access to KMS"),
    ):
        error = refusal(code, said)
        assert (error.retryable, "aws kms describe-key" in error.hint) == (False, True), code


@pytest.mark.usefixtures("own_settings")
def test_an_arn_of_another_region_is_compared_with_the_clients() -> None:
    """The service says only that there is no such secret."""
    error = refusal("ResourceNotFoundException", "", ARN.replace(REGION, "eu-west-1"))
    assert isinstance(error, SecretNotFound)
    assert "AWS_REGION=eu-west-1" in error.hint
    assert refusal("ResourceNotFoundException", "", ARN).hint == SecretNotFound.default_hint


@pytest.mark.usefixtures("own_settings")
def test_a_replica_is_refused_before_anything_is_written() -> None:
    """DescribeSecret names the primary's region; a write would be refused by the service."""
    require_primary({"PrimaryRegion": REGION}, client())
    require_primary({}, client())
    with pytest.raises(StoreError, match="a replica of one in eu-west-1") as caught:
        require_primary({"PrimaryRegion": "eu-west-1"}, client())
    assert (caught.value.retryable, "AWS_REGION=eu-west-1" in caught.value.hint) == (False, True)


@pytest.mark.usefixtures("own_settings")
@pytest.mark.parametrize("code", [*failures._ERRORS, "ThrottlingException", ""])
def test_each_refusal_has_a_hint(code: str) -> None:
    """What the service may say never leaves a person without a next step; only unknown codes are retried."""
    error = refusal(code, "")
    assert error.hint.endswith(".")
    assert error.retryable is (code not in failures._ERRORS or code == "ResourceExistsException")
