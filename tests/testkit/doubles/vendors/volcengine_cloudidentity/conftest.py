"""A simulated directory with two users, one of them mastered elsewhere, and the vendor's own client."""

import hashlib
import json
import logging
from datetime import UTC, datetime

import pytest
import requests  # noqa: TID251 - a client that is not ours
import volcenginesdkcloudidentity as cloudidentity
import volcenginesdkcore
from volcenginesdkcore.rest import ApiException

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.gateway import canonical_hash, signature
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

OLD, NEW = "Old-pass-1234", "New-pass-5678"


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """The directory."""
    simulator = VolcengineCloudIdentity(clock=clock.now)
    simulator.add_user("alice", Secret(OLD), user_id="u-alice")
    simulator.add_user("bob", Secret(OLD), user_id="u-bob", source="Sync")
    return simulator


@pytest.fixture
def loggers():
    """Put loggers back: the SDK's Configuration cuts urllib3's off the root and gives it a handler of its own."""
    touched = [one for one in logging.Logger.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [(one, one.propagate, one.level, list(one.handlers)) for one in touched]
    yield
    for one, propagate, level, handlers in before:
        one.propagate, one.handlers = propagate, handlers
        one.setLevel(level)


@pytest.fixture
def ask(sim, url, loggers, monkeypatch):
    """Call an action through the vendor's client; it would follow a proxy in the environment."""
    del loggers
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    pools = []

    def call(action, *, key=None, retry=False, **fields):
        who = key or sim.credentials
        configuration = volcenginesdkcore.Configuration()
        configuration.ak, configuration.sk = who.access_key, who.secret_key.reveal()
        configuration.session_token = who.token.reveal() if who.token else ""
        configuration.region, configuration.scheme = "cn-beijing", "http"
        configuration.host = url.removeprefix("http://")
        configuration.auto_retry = retry
        configuration.min_retry_delay_ms = configuration.max_retry_delay_ms = 1  # else it sleeps a third of a second
        client = volcenginesdkcore.ApiClient(configuration)
        pools.append(client.rest_client.pool_manager)
        snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in action).lstrip("_")
        request = getattr(cloudidentity, action + "Request")(**fields)
        return getattr(cloudidentity.CLOUDIDENTITYApi(client), snake)(request)

    yield call
    for pool in pools:
        pool.clear()


@pytest.fixture
def reset(ask):
    """Reset a password through the vendor's client."""

    def call(user_id="u-alice", password=NEW, **more):
        flags = {"password_reset_required": False, "generate_random_password": False, **more}
        return ask("ResetPassword", user_id=user_id, password=password, **flags)

    return call


@pytest.fixture
def refusal():
    """Make a call that must be refused and return status and code."""

    def call(act, *args, **params):
        with pytest.raises(ApiException) as caught:
            act(*args, **params)
        error = json.loads(caught.value.body)["ResponseMetadata"]["Error"]
        return int(caught.value.status), str(error["Code"])

    return call


class Raw:
    """A reset made by hand; a test changes one part of it."""

    def __init__(self, sim, url):
        self.url, self.key = url, sim.credentials
        self.method, self.query = "POST", {"Action": "ResetPassword", "Version": "2023-01-01"}
        date = datetime.fromtimestamp(sim.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        self.scope = [date[:8], "cn-beijing", "cloudidentity"]
        self.signed = ["host", "x-content-sha256", "x-date"]  # as in the vendor's sample
        self.document = {
            "UserId": "u-alice",
            "Password": NEW,
            "PasswordResetRequired": False,
            "GenerateRandomPassword": False,
        }
        self.headers = {"content-type": "application/json", "host": url.removeprefix("http://"), "x-date": date}

    def sign(self):
        """Put digest and Authorization on and return the body."""
        body = self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()
        self.headers["x-content-sha256"] = hashlib.sha256(body).hexdigest()
        canonical = canonical_hash(self.method, "/", self.query, self.headers, signed=self.signed, body=body)
        proof = signature(self.key.secret_key, self.headers["x-date"], self.scope, canonical)
        self.headers["authorization"] = (
            f"HMAC-SHA256 Credential={self.key.access_key}/{'/'.join(self.scope)}/request, "
            f"SignedHeaders={';'.join(self.signed)}, Signature={proof}"
        )
        return body

    def send(self, body=None):
        """Send it (signed now, unless a body is given); gives status, code and the code's number."""
        body = self.sign() if body is None else body
        answer = requests.request(
            self.method, self.url, params=self.query, data=body, headers=self.headers, timeout=5, allow_redirects=False
        )
        error = answer.json()["ResponseMetadata"].get("Error", {"Code": "ok"})
        return answer.status_code, error["Code"], error.get("CodeN")


@pytest.fixture
def raw(sim, url):
    """A reset that would be done."""
    return Raw(sim, url)
