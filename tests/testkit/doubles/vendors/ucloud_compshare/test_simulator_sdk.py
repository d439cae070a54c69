"""CompShare's documented codes, and a request that was changed on its way, as the vendor's own SDK sees them."""

from __future__ import annotations

import pytest
import requests  # noqa: TID251 - what the SDK sends with

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.faults import FaultKind

ACTIONS = (
    "DescribeCompShareInstance",
    "ResetCompShareInstancePassword",
    "StopCompShareInstance",
    "StartCompShareInstance",
)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_documented_code_arrives(invoke, sim, refusal, documented, action):
    """Each code comes with a text of its own, in answer to each call of a rotation; nothing is changed."""
    codes, _ = documented("ucloud_compshare")
    for code in codes:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        assert str(refusal(invoke, action, "uhost-box", Password="")) == code
    instance = sim.instance("uhost-box")
    assert (instance.resets, instance.stops, instance.starts) == (0, 0, 0)


def test_a_request_that_was_changed_on_its_way_is_refused(reset, sim, refusal, monkeypatch):
    """The signature covers the password."""
    send = requests.Session.send

    def tamper(session: requests.Session, prepared: requests.PreparedRequest, **options: object) -> requests.Response:
        body = str(prepared.body).replace("Password=", "Password=QUFB")
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    assert refusal(reset, "uhost-box") == 171
    assert sim.guest_password("uhost-box") == Secret("Old-pass-1234")
