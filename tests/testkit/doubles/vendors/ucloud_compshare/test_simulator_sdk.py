"""CompShare's documented codes, and a request that was changed on its way, as the vendor's own SDK meets them."""

from __future__ import annotations

import base64
import logging
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests  # noqa: TID251 - what the SDK sends with
from ucloud.client import Client
from ucloud.core import exc

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import UCloudCompShare

LISTED = tomllib.loads((Path(__file__).parents[4] / "drivers" / "vendor_codes.toml").read_text())["ucloud_compshare"]
CODES = [code for kind in ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG") for code in LISTED[kind]]
OLD, NEW = Secret("Old-pass-1234"), "New-pass-5678"
ACTIONS = {
    "DescribeCompShareInstance": {"UHostIds": ["uhost-1"]},
    "ResetCompShareInstancePassword": {"UHostId": "uhost-1", "Password": base64.b64encode(NEW.encode()).decode()},
    "StopCompShareInstance": {"UHostId": "uhost-1"},
    "StartCompShareInstance": {"UHostId": "uhost-1"},
}
Invoke = Callable[[str], dict[str, object]]


@pytest.fixture
def sim() -> UCloudCompShare:
    """A cloud with one container."""
    simulator = UCloudCompShare()
    simulator.add_instance("uhost-1", password=OLD)
    return simulator


@pytest.fixture
def invoke(sim: UCloudCompShare) -> Iterator[Invoke]:
    """Call an action through the vendor's client."""
    quiet = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - the SDK logs passwords at INFO
    key = sim.credentials
    with sim.serve() as url:
        keys = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
        client = Client({"region": "cn-wlcb", "base_url": url, **keys}, logger=quiet).ucompshare()
        yield lambda action: client.invoke(action, {"Zone": "cn-wlcb-01", **ACTIONS[action]})


@pytest.mark.parametrize("action", ACTIONS)
def test_every_documented_code_arrives(invoke: Invoke, sim: UCloudCompShare, action: str) -> None:
    """With a text of its own, in answer to each call that a rotation makes; nothing is changed."""
    for code in CODES:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        with pytest.raises(exc.RetCodeException) as caught:
            invoke(action)
        assert str(caught.value.code) == code
        assert caught.value.message != "Unknown error"
    instance = sim.instance("uhost-1")
    assert (instance.resets, instance.stops, instance.starts) == (0, 0, 0)


def test_a_request_that_was_changed_on_its_way_is_refused(
    invoke: Invoke, sim: UCloudCompShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature covers the password."""
    send = requests.Session.send

    def tamper(session: requests.Session, prepared: requests.PreparedRequest, **options: object) -> requests.Response:
        body = str(prepared.body).replace("Password=", "Password=QUFB")
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    with pytest.raises(exc.RetCodeException) as caught:
        invoke("ResetCompShareInstancePassword")
    assert caught.value.code == 171
    assert sim.guest_password("uhost-1") == OLD
