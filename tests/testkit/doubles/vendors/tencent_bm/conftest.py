"""A simulated Blackstone with three Linux devices and one with Windows, and clients of both generations of its API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import requests  # noqa: TID251 - a client that is not ours
from tencentcloud.bm.v20180423 import bm_client, models
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.tencent_bm.simulator import WINDOWS, Delays, SecretKey, TencentBm
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import canonical, signature
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, NEW = "Old-pass-1234", "New-pass-5678"


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands still, at the moment of the golden vectors."""
    return VirtualClock(1_476_436_689.0)


@pytest.fixture
def sim(clock: VirtualClock) -> TencentBm:
    """The simulator; a reset takes 100 s, each further device 50 s more."""
    simulator = TencentBm(clock=clock.now, delays=Delays(reset=100, stagger=50, stop=20, start=30))
    simulator.v3.per_action.most = None
    for name in ("cpm-1", "cpm-2", "cpm-3"):
        simulator.add_device(name, password=Secret(OLD))
    simulator.add_device("cpm-win", password=Secret(OLD), os=WINDOWS)
    return simulator


@pytest.fixture
def signed(sim: TencentBm, url: str, clock: VirtualClock) -> Callable[..., dict[str, str]]:
    """Sign parameters of a v2 call, each with a fresh nonce; a value given as None is left out before signing."""
    nonces = count(1)

    def params(
        action: str, *, key: SecretKey | None = None, http: str = "POST", sign_at: bool = False, **more: str | None
    ) -> dict[str, str]:
        who = key or sim.credentials
        common = {
            "Region": "bj",
            "SecretId": who.secret_id,
            "Timestamp": str(int(clock.now())),
            "Nonce": str(next(nonces)),
        }
        full = {name: value for name, value in {"Action": action, **common, **more}.items() if value is not None}
        text = canonical(http, url.removeprefix("http://"), full, sign_at=sign_at)
        return {**full, "Signature": signature(text, who.secret_key, full.get("SignatureMethod", "HmacSHA1"))}

    return params


@pytest.fixture
def send(url: str) -> Callable[[dict[str, str]], dict[str, Any]]:
    """Post a v2 form and return the answer's document."""

    def call(params: dict[str, str]) -> dict[str, Any]:
        answer = requests.post(url + "/v2/index.php", data=params, timeout=5)
        assert answer.status_code == 200
        assert answer.headers["X-TC-RequestId"]
        return dict(answer.json())

    return call


@pytest.fixture
def invoke(signed: Callable[..., dict[str, str]], send: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Sign and post a v2 action."""
    return lambda action, **more: send(signed(action, **more))


@pytest.fixture
def reset(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Reset devices to a password through v2."""

    def call(*ids: str, password: str = NEW) -> dict[str, Any]:
        names = {f"instanceIds.{place}": name for place, name in enumerate(ids, 1)}
        return invoke("ResetDevicePasswd", passwd=password, **names)

    return call


@pytest.fixture
def ask(sim: TencentBm, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Call an API 3.0 action through the vendor's client, which would follow a proxy; gives the answer's model."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    clients: list[bm_client.BmClient] = []

    def call(action: str, *, key: SecretKey | None = None, region: str = "ap-beijing", **params: object) -> Any:
        who = key or sim.credentials
        token = who.token.reveal() if who.token else None
        http = HttpProfile(protocol="http", endpoint=url.removeprefix("http://"), reqTimeout=5)
        credential = Credential(who.secret_id, who.secret_key.reveal(), token)
        client = bm_client.BmClient(credential, region, ClientProfile(httpProfile=http))
        clients.append(client)
        request = getattr(models, action + "Request")()
        request.from_json_string(json.dumps(params))
        return getattr(client, action)(request)

    yield call
    for client in clients:
        client.request.conn._session.close()


@pytest.fixture
def refusal(ask: Callable[..., Any]) -> Callable[..., str]:
    """Call an API 3.0 action that must be refused and return the vendor's code."""

    def call(action: str, **params: object) -> str:
        with pytest.raises(TencentCloudSDKException) as caught:
            ask(action, **params)
        assert NEW not in str(caught.value)
        assert caught.value.requestId
        return str(caught.value.code)

    return call
