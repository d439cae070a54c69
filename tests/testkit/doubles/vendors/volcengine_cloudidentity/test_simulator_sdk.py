"""Cloud Identity's documented codes, and a request that was changed on its way, as the vendor's own SDK meets them."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.faults import FaultKind

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

OLD = "Old-pass-1234"
LOOKS: dict[str, dict[str, str]] = {
    "GetUser": {"user_id": "u-alice"},
    "GetServiceStatus": {},
    "ListPortalLoginSettings": {},
}


def test_every_documented_code_arrives(ask, reset, sim, refusal, documented):
    """With its own HTTP status, in answer to each look that a rotation takes and to a reset; nothing is changed."""
    codes, listed = documented("volcengine_cloudidentity")
    statuses = {code: int(status) for status, those in listed["http"].items() for code in those}
    assert statuses.keys() == set(codes)
    for code in codes:
        for action, fields in LOOKS.items():
            sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
            assert refusal(ask, action, **fields) == (statuses[code], code)
        sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE, code=code)
        assert refusal(reset) == (statuses[code], code)
    assert sim.resets("u-alice") == 0


def test_a_request_that_was_changed_on_its_way_is_refused(reset, sim, refusal, monkeypatch):
    """The signature covers the body."""
    urlopen = urllib3.PoolManager.urlopen

    def tamper(pool: urllib3.PoolManager, method: str, url: str, **options: Any) -> Any:
        options["body"] = options["body"].replace("New-pass", "Bad-pass")
        return urlopen(pool, method, url, **options)

    monkeypatch.setattr(urllib3.PoolManager, "urlopen", tamper)
    assert refusal(reset) == (401, "SignatureDoesNotMatch")
    assert sim.live_password("u-alice") == Secret(OLD)
