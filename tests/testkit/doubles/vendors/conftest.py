"""The vendors' codes, as the drivers' tests list them, and Tencent's SDK at a simulator."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from rotation_testkit.conformance.documented_codes import documented_codes, named


@pytest.fixture(scope="session")
def documented():
    """Return a driver's documented codes, and everything that the list says about the driver."""
    tests = Path(__file__).parents[3] / "rotation" / "drivers"

    def codes(driver):
        listed = documented_codes(tests, driver)
        return named(listed), listed

    return codes


class HuaweiSdk:
    """One product's package of Huawei's SDK; ``scope`` is the kind of its credentials."""

    def __init__(self, url, stack, v3, client, scope):
        from huaweicloudsdkcore.auth import credentials
        from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException

        self.v3, self.failed, self.refused = v3, SdkException, ServiceResponseException
        self._client, self._url, self._stack = client, url, stack
        self._credentials = getattr(credentials, f"{scope}Credentials")

    def client(self, key, scope):
        """Return a client of a key's owner, in a project or a domain."""
        credentials = self._credentials(key.key_id, key.secret.reveal(), scope)
        if key.token:
            credentials = credentials.with_security_token(key.token.reveal())
        client = self._client.new_builder().with_credentials(credentials).with_endpoint(self._url).build()
        http = client.get_http_client()
        self._stack.callback(http.executor.shutdown)
        self._stack.callback(http.close)
        return client

    def refusal(self, act, *args, **options):
        """Return status and code that the SDK raised."""
        with pytest.raises(self.refused) as caught:
            act(*args, **options)
        return int(caught.value.status_code), str(caught.value.error_code)


@pytest.fixture
def huawei_sdk(url, monkeypatch):
    """The function that makes a kind of ``HuaweiSdk``, which would follow a proxy in the environment."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:
        yield lambda kind, *options: type(kind.__name__, (kind, HuaweiSdk), {})(url, stack, *options)


class TencentSdk:
    """One product's client of Tencent's SDK, whose requests and answers are models."""

    def __init__(self, sim, url, client, models, region):
        self.sim, self.endpoint = sim, url.removeprefix("http://")
        self.client, self.models, self.region = client, models, region
        self.made = []

    def ask(self, action, *, key=None, region=None, **params):
        """Call an action and return the answer's model."""
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile

        who = key or self.sim.credentials
        credential = Credential(who.secret_id, who.secret_key.reveal(), who.token.reveal() if who.token else None)
        http = HttpProfile(protocol="http", endpoint=self.endpoint, reqTimeout=5)
        client = self.client(credential, self.region if region is None else region, ClientProfile(httpProfile=http))
        self.made.append(client)
        request = getattr(self.models, action + "Request")()
        request.from_json_string(json.dumps(params))
        return getattr(client, action)(request)

    def refusal(self, action, **params):
        """Call an action that must be refused and return the vendor's code."""
        from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

        with pytest.raises(TencentCloudSDKException) as caught:
            self.ask(action, **params)
        password = params.get("Password")
        assert not isinstance(password, str) or password not in str(caught.value)
        assert caught.value.message != "Unknown error."
        assert caught.value.requestId
        return str(caught.value.code)


@pytest.fixture
def tencent_sdk(sim, url, monkeypatch):
    """Return a product's client of Tencent's SDK, which would follow a proxy."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = []

    def connect(client, models, region):
        made.append(TencentSdk(sim, url, client, models, region))
        return made[-1]

    yield connect
    for each in made:
        for client in each.made:
            client.request.conn._session.close()
