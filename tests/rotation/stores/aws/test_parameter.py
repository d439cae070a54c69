"""A configuration in AWS Systems Manager, read over the wire from moto's Parameter Store."""

import pytest
from werkzeug import Response

from rotation.core.errors import ConfigError, StoreDenied, StoreUnavailable
from rotation.deployment import sources
from rotation.deployment.deployment import Deployment
from rotation.stores.aws.parameter import read_parameter
from rotation_testkit.doubles.serving import serve

NAME, ACCOUNT, REGION = "/lockstep/config", "123456789012", "eu-central-1"


class Parameters:
    """Moto's Parameter Store, the requests that it got, and an error that it answers instead."""

    def __init__(self):
        self.asked = []
        self.error = None

    def put(self, value, kind="String"):
        """Write the parameter."""
        from moto.ssm.models import ssm_backends

        own = {"name": NAME, "description": "", "value": value, "parameter_type": kind, "overwrite": True, "tags": []}
        rest = {"allowed_pattern": "", "keyid": "", "data_type": "text", "tier": "Standard", "policies": None}
        ssm_backends[ACCOUNT][REGION].put_parameter(**own, **rest)

    def __call__(self, environ, start_response):
        """Answer one request."""
        from moto.core.request import Request
        from moto.ssm.responses import SimpleSystemManagerResponse

        class ServerRequest(Request):
            """A request as moto's own server marks it."""

            from_wsgi_server = True

        request = ServerRequest(environ)
        self.asked.append(request.headers["X-Amz-Target"].partition(".")[2])
        if self.error is not None:
            body = f'{{"__type": "{self.error}", "message": "canary"}}'
            return Response(body, status=400)(environ, start_response)
        status, headers, body = SimpleSystemManagerResponse.dispatch(request, request.url, request.headers)
        return Response(body, status=status, headers=headers)(environ, start_response)


@pytest.fixture
def parameters(monkeypatch):
    """Serve an empty Parameter Store to the clients that are made here."""
    from moto.ssm.models import ssm_backends

    made = Parameters()
    with serve(made) as url:
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": REGION}
        for name, value in {"AWS_ENDPOINT_URL_SSM": url, "AWS_MAX_ATTEMPTS": "1", **keys}.items():
            monkeypatch.setenv(name, value)
        sources.forget()
        yield made
    sources.forget()
    ssm_backends[ACCOUNT][REGION].reset()


def test_a_parameter_holds_the_configuration(parameters) -> None:
    """It is read once per process, and again when the process was told to forget it."""
    parameters.put('drivers = ["acme"]')
    environment = {"LOCKSTEP_CONFIG": f"ssm:{NAME}"}
    assert Deployment.from_environment(environment).drivers == ("acme",)
    parameters.put('drivers = ["other"]')
    assert Deployment.from_environment(environment).drivers == ("acme",)
    assert parameters.asked == ["GetParameter"]
    sources.forget()
    assert Deployment.from_environment(environment).drivers == ("other",)


def test_a_parameter_that_is_missing_or_encrypted_is_an_error_of_the_deployment(parameters) -> None:
    """Neither passes by itself, and neither is the same as no configuration."""
    with pytest.raises(ConfigError, match="does not exist") as caught:
        read_parameter(NAME)
    assert not caught.value.retryable
    parameters.put("canary", "SecureString")
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
def test_a_refusal_lasts_and_a_failure_passes(parameters, code, error) -> None:
    """The hint of a refusal names the action; no text of the service is shown."""
    parameters.error = code
    with pytest.raises(error, match=code) as caught:
        read_parameter(NAME)
    assert caught.value.retryable is (error is StoreUnavailable)
    assert "canary" not in str(caught.value)
    assert error is StoreUnavailable or "ssm:GetParameter" in caught.value.hint
    assert caught.value.__context__ is None
