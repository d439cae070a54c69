"""A configuration in AWS Systems Manager, read over the wire from moto's Parameter Store."""

import pytest

from rotation.core.errors import ConfigError, StoreDenied, StoreUnavailable
from rotation.deployment import sources
from rotation.deployment.deployment import Deployment
from rotation.stores.aws.parameter import read_parameter

NAME = "/lockstep/config"


def test_a_parameter_holds_the_configuration(parameter_store) -> None:
    """It is read once per process, and again when the process forgets it."""
    parameter_store.put(NAME, 'drivers = ["acme"]')
    environment = {"LOCKSTEP_CONFIG": f"ssm:{NAME}"}
    assert Deployment.from_environment(environment).drivers == ("acme",)
    parameter_store.put(NAME, 'drivers = ["other"]')
    assert Deployment.from_environment(environment).drivers == ("acme",)
    assert parameter_store.asked == [("GetParameter", NAME)]
    sources.forget()
    assert Deployment.from_environment(environment).drivers == ("other",)


def test_a_parameter_that_is_missing_or_encrypted_is_an_error_of_the_deployment(parameter_store) -> None:
    """Neither passes by itself, and neither is the same as no configuration."""
    with pytest.raises(ConfigError, match="does not exist") as caught:
        read_parameter(NAME)
    assert not caught.value.retryable
    parameter_store.put(NAME, "canary", "SecureString")
    with pytest.raises(ConfigError, match="not of type String") as caught:
        read_parameter(NAME)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", StoreDenied),
        ("ExpiredTokenException", StoreDenied),
        ("InternalServerError", StoreUnavailable),
    ],
)
def test_a_refusal_lasts_and_a_failure_passes(parameter_store, code, error) -> None:
    """The hint of a refusal names the action; no text of the service is shown."""
    parameter_store.error = code
    with pytest.raises(error, match=code) as caught:
        read_parameter(NAME)
    assert caught.value.retryable is (error is StoreUnavailable)
    assert "canary" not in str(caught.value)
    assert error is StoreUnavailable or "ssm:GetParameter" in caught.value.hint
    assert caught.value.__context__ is None
