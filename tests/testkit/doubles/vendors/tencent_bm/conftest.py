"""A simulated Blackstone with three Linux devices and one with Windows, and clients of both generations of its API."""

import base64
import hashlib
import hmac
import json
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from urllib.parse import quote, urlencode

import pytest
from tencentcloud.bm.v20180423 import bm_client, models

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.tencent_bm.simulator import WINDOWS, Delays, TencentBm
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, NEW = "Old-pass-1234", "New-pass-5678"


@pytest.fixture
def clock():
    """A clock that stands still, at the moment of the golden vectors."""
    return VirtualClock(1_476_436_689.0)


@pytest.fixture
def sim(clock):
    """The simulator; a reset takes 100 s, each further device 50 s more."""
    simulator = TencentBm(clock=clock.now, delays=Delays(reset=100, stagger=50, stop=20, start=30))
    simulator.v3.per_action.most = None
    for name in ("cpm-1", "cpm-2", "cpm-3"):
        simulator.add_device(name, password=Secret(OLD))
    simulator.add_device("cpm-win", password=Secret(OLD), os=WINDOWS)
    return simulator


@pytest.fixture(scope="session")
def sign():
    """Sign a v2 call as the vendor's signing page says.

    The vendor's own v2 client is abandoned and cannot be aimed at another host. What the tests call v2 with needs the
    standard library alone, and shares no line with driver or simulator.
    """

    def signature(method, host, params, secret_key, *, sign_at=False):
        dotted = {name.replace("_", "."): value for name, value in params.items()}
        if method == "POST" and not sign_at:
            dotted = {name: value for name, value in dotted.items() if not value.startswith("@")}
        query = "&".join(f"{name}={dotted[name]}" for name in sorted(dotted))
        digest = hashlib.sha256 if params.get("SignatureMethod") == "HmacSHA256" else hashlib.sha1
        mac = hmac.new(secret_key.encode(), f"{method}{host}/v2/index.php?{query}".encode(), digest)
        return base64.b64encode(mac.digest()).decode()

    return signature


@pytest.fixture
def signed(sim, url, clock, sign):
    """Sign parameters of a v2 call, each with a fresh nonce; a value given as None is left out before signing."""
    nonces = count(1)

    def params(action, *, key=None, http="POST", sign_at=False, **more):
        who = key or sim.credentials
        common = {
            "Region": "bj",
            "SecretId": who.secret_id,
            "Timestamp": str(int(clock.now())),
            "Nonce": str(next(nonces)),
        }
        full = {name: value for name, value in {"Action": action, **common, **more}.items() if value is not None}
        host = url.removeprefix("http://")
        return {**full, "Signature": sign(http, host, full, who.secret_key.reveal(), sign_at=sign_at)}

    return params


@pytest.fixture
def send(url):
    """Send a v2 form, or the query of a GET, and return the answer's document."""

    def call(params, http="POST"):
        wire = urlencode(params, quote_via=quote)
        path, body = ("/v2/index.php", wire) if http == "POST" else (f"/v2/index.php?{wire}", None)
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
            connection.request(http, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.headers["X-TC-RequestId"]
            return json.load(answer)

    return call


@pytest.fixture(
    params=[("POST", None), ("POST", "HmacSHA1"), ("POST", "HmacSHA256"), ("GET", "HmacSHA1"), ("GET", "HmacSHA256")],
    ids=lambda each: f"{each[0]}-{each[1] or 'default'}",
)
def form(request):
    """Each form of a v2 request that the vendor's pages allow."""
    http, method = request.param
    return {"http": http, "SignatureMethod": method}


@pytest.fixture
def invoke(signed, send):
    """Sign and send a v2 action."""
    return lambda action, http="POST", **more: send(signed(action, http=http, **more), http)


@pytest.fixture
def reset(invoke):
    """Reset devices to a password through v2."""

    def call(*ids, password=NEW, **form):
        names = {f"instanceIds.{place}": name for place, name in enumerate(ids, 1)}
        return invoke("ResetDevicePasswd", passwd=password, **names, **form)

    return call


@pytest.fixture
def sdk(tencent_sdk):
    """The vendor's client of API 3.0."""
    return tencent_sdk(bm_client.BmClient, models, "ap-beijing")


@pytest.fixture
def ask(sdk):
    """Call an API 3.0 action through the vendor's client; gives the answer's model."""
    return sdk.ask


@pytest.fixture
def refusal(sdk):
    """Call an API 3.0 action that must be refused and return the vendor's code."""
    return sdk.refusal
