"""Cloud Identity's documented codes, and a request that was changed on its way, as the vendor's own SDK meets them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

DATA = tomllib.loads((Path(__file__).parents[4] / "drivers" / "vendor_codes.toml").read_text())
LISTED = DATA["volcengine_cloudidentity"]
STATUSES: dict[str, int] = {code: int(status) for status, codes in LISTED["http"].items() for code in codes}
CODES = [code for kind in ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG") for code in LISTED[kind]]
# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

OLD = "Old-pass-1234"
LOOKS: dict[str, dict[str, str]] = {
    "GetUser": {"user_id": "u-alice"},
    "GetServiceStatus": {},
    "ListPortalLoginSettings": {},
}
Ask = Callable[..., Any]


def test_every_documented_code_arrives(
    ask: Ask, reset: Ask, sim: VolcengineCloudIdentity, refusal: Callable[..., tuple[int, str]]
) -> None:
    """With its own HTTP status, in answer to each look that a rotation takes and to a reset; nothing is changed."""
    assert STATUSES.keys() == set(CODES)
    for code in CODES:
        for action, fields in LOOKS.items():
            sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
            assert refusal(ask, action, **fields) == (STATUSES[code], code)
        sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE, code=code)
        assert refusal(reset) == (STATUSES[code], code)
    assert sim.resets("u-alice") == 0


def test_a_request_that_was_changed_on_its_way_is_refused(
    reset: Ask,
    sim: VolcengineCloudIdentity,
    refusal: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signature covers the body."""
    urlopen = urllib3.PoolManager.urlopen

    def tamper(pool: urllib3.PoolManager, method: str, url: str, **options: Any) -> Any:
        options["body"] = options["body"].replace("New-pass", "Bad-pass")
        return urlopen(pool, method, url, **options)

    monkeypatch.setattr(urllib3.PoolManager, "urlopen", tamper)
    assert refusal(reset) == (401, "SignatureDoesNotMatch")
    assert sim.live_password("u-alice") == Secret(OLD)
