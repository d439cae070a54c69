"""The gateway of Tencent's v2 API as simulated: keys, clock, nonces, encodings, limits; driven by raw requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm

pytestmark = pytest.mark.shows_secrets(
    "log of urllib3", reason="a GET, which the vendor allows and Lockstep never sends, has the password in its URL"
)

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET, DESCRIBE = "ResetDevicePasswd", "DescribeDevice"


@pytest.fixture
def sim(clock: Any) -> TencentBm:
    """A park with one device; nothing takes time."""
    simulator = TencentBm(clock=clock.now)
    simulator.add_device("cpm-1", password=Secret(OLD))
    return simulator


@pytest.fixture
def endpoint(url: str) -> str:
    """Where the v2 API listens."""
    return url + "/v2/index.php"


def code(endpoint: str, params: dict[str, str]) -> int:
    """Post a form and return the answer's code."""
    return int(requests.post(endpoint, data=params, timeout=5).json()["code"])


def test_wrong_keys(sim, endpoint, signed):
    """A wrong secret key is 4100, an unknown id 4104; a temporary key needs its token, a permanent one takes none."""
    wrong = replace(sim.credentials, secret_key=Secret("guess"))
    nobody = replace(sim.credentials, secret_id="AKIDnobody")
    temporary = sim.add_key(token=Secret("session"))
    assert code(endpoint, signed(DESCRIBE, key=wrong)) == 4100
    assert code(endpoint, signed(DESCRIBE, key=nobody)) == 4104
    assert code(endpoint, signed(DESCRIBE, key=temporary)) == 4100
    assert code(endpoint, signed(DESCRIBE, key=temporary, Token="other")) == 4100
    assert code(endpoint, signed(DESCRIBE, key=temporary, Token="session")) == 0
    assert code(endpoint, signed(DESCRIBE, Token="session")) == 4100


def test_denied_action(sim, endpoint, signed):
    """A key without the right gets 4300 for that action only."""
    key = sim.add_key(denied=frozenset({RESET}))
    assert code(endpoint, signed(RESET, key=key, passwd=NEW, **{"instanceIds.1": "cpm-1"})) == 4300
    assert code(endpoint, signed(DESCRIBE, key=key)) == 0
    assert sim.attempts("cpm-1") == 0


@pytest.mark.parametrize("changed", ["Action", "passwd", "Nonce", "Timestamp", "Region", "instanceIds.1"])
def test_everything_is_signed(endpoint, signed, changed):
    """A parameter changed or added after signing is 4100."""
    good = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    value = {"Action": DESCRIBE, "Nonce": "77", "Timestamp": "1476436690", "Region": "gz"}.get(changed, "other")
    assert code(endpoint, {**good, changed: value}) == 4100
    assert code(endpoint, {**good, "extra": "1"}) == 4100
    assert code(endpoint, good) == 0


@pytest.mark.parametrize("missing", ["SecretId", "Timestamp", "Nonce"])
def test_missing_common_parameters(endpoint, signed, missing):
    """Each of them is 4000."""
    assert code(endpoint, signed(DESCRIBE, **{missing: None})) == 4000


def test_odd_common_parameters(sim, endpoint, signed):
    """No signature, no or unknown action, an unknown digest, a nonce that is no positive number, no region."""
    good = signed(DESCRIBE)
    assert code(endpoint, {name: value for name, value in good.items() if name != "Signature"}) == 4000
    assert code(endpoint, {name: value for name, value in good.items() if name != "Action"}) == 4000
    assert code(endpoint, signed("DescribeDeviceList")) == 4000
    assert code(endpoint, signed(DESCRIBE, Nonce="0")) == 4000
    assert code(endpoint, signed(DESCRIBE, Timestamp="now")) == 4000
    assert code(endpoint, {**signed(DESCRIBE), "SignatureMethod": "HmacMD5"}) == 4000
    assert code(endpoint, signed(DESCRIBE, Region=None)) == 0
    sim.v2.gateway.codes.unknown_action = 6100
    assert code(endpoint, signed("DescribeDeviceList")) == 6100


def test_repeated_nonce_is_a_replay(sim, endpoint, signed, clock):
    """4500 for four hours, even with a new timestamp; another key has its own nonces."""
    first = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    assert [code(endpoint, first), code(endpoint, first)] == [0, 4500]
    clock.sleep(3600)
    assert code(endpoint, signed(DESCRIBE, Nonce=first["Nonce"])) == 4500
    assert code(endpoint, signed(DESCRIBE, key=sim.add_key(), Nonce=first["Nonce"])) == 0
    clock.sleep(3 * 3600)
    assert code(endpoint, signed(DESCRIBE, Nonce=first["Nonce"])) == 0
    assert sim.resets("cpm-1") == 1


def test_forged_call_uses_up_no_nonce(endpoint, signed):
    """A wrong signature leaves the nonce to its owner."""
    good = signed(DESCRIBE)
    assert code(endpoint, {**good, "Signature": "forged"}) == 4100
    assert code(endpoint, good) == 0


def test_resent_copy_after_a_lost_answer_is_a_replay(sim, endpoint, signed):
    """4500 then says nothing about the first copy, which took effect."""
    params = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(requests.ConnectionError):
        code(endpoint, params)
    assert code(endpoint, params) == 4500
    assert sim.guest_password("cpm-1") == Secret(NEW)


@pytest.mark.parametrize(("ahead", "expected"), [(7200, 0), (-7200, 0), (7201, 4200), (-7201, 4200)])
def test_clock_may_differ_by_two_hours(endpoint, signed, clock, ahead, expected):
    """One second more is 4200."""
    assert code(endpoint, signed(DESCRIBE, Timestamp=str(int(clock.now()) + ahead))) == expected


def test_stale_code_is_a_switch(sim, endpoint, signed):
    """The pages name 4200 and 4500 for a clock that is off."""
    sim.v2.gateway.codes.stale_timestamp = 4500
    assert code(endpoint, signed(DESCRIBE, Timestamp="1")) == 4500


@pytest.mark.parametrize("method", ["HmacSHA1", "HmacSHA256"])
def test_get_takes_the_query_alone_and_post_the_form_alone(endpoint, signed, method):
    """Parameters in the wrong place are not seen."""
    get = signed(DESCRIBE, http="GET", SignatureMethod=method)
    assert requests.get(endpoint, params=get, timeout=5).json()["code"] == 0
    post = signed(DESCRIBE, SignatureMethod=method)
    assert requests.post(endpoint, params=post, timeout=5).json()["code"] == 4000
    assert requests.get(endpoint, data=get, timeout=5).json()["code"] == 4000
    assert requests.put(endpoint, data=post, timeout=5).json()["code"] == 4600
    assert code(endpoint, get) == 4100


@pytest.mark.parametrize("password", ["1a()~!@#$%^&*-+=", "1a_{}[]:;'|<>,.?", "%41b+c%2B12", "b@&a=1+#/"])
@pytest.mark.parametrize("http", ["GET", "POST"])
def test_passwords_arrive_as_sent(sim, endpoint, signed, http, password):
    """Signed raw, sent encoded: what arrives is what was meant, in either form of the request."""
    params = signed(RESET, http=http, passwd=password, **{"instanceIds.1": "cpm-1"})
    wire = urlencode(params, quote_via=quote)
    if http == "GET":
        answer = requests.get(f"{endpoint}?{wire}", timeout=5)
    else:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(endpoint, data=wire, headers=form, timeout=5)
    assert answer.json()["code"] == 0
    assert sim.guest_password("cpm-1") == Secret(password)


def test_leading_at_is_left_out_of_a_posts_signature(sim, endpoint, signed):
    """As the vendor's SDK signs; a switch has the server sign everything."""
    target = {"instanceIds.1": "cpm-1", "passwd": "@bcdef12"}
    assert code(endpoint, signed(RESET, **target)) == 0
    assert code(endpoint, signed(RESET, sign_at=True, **target)) == 4100
    sim.v2.gateway.sign_at = True
    assert code(endpoint, signed(RESET, sign_at=True, **target)) == 0
    get = signed(RESET, http="GET", **target)
    assert requests.get(endpoint, params=get, timeout=5).json()["code"] == 0


def test_hundred_calls_a_minute_per_action(sim, endpoint, signed, clock):
    """The next one is 4400, other actions go on, and a minute later all is well."""
    sim.v2.per_action.most = 3
    assert sim.v2.per_action.seconds == 60
    assert [code(endpoint, signed(DESCRIBE)) for _ in range(4)] == [0, 0, 0, 4400]
    assert code(endpoint, signed("DescribeOs", deviceClassCode="PS100v1")) == 0
    clock.sleep(60)
    assert code(endpoint, signed(DESCRIBE)) == 0


def test_limits_of_the_vendor(sim, endpoint, signed):
    """100 a minute for each action, 1000 for all, 100 rebooted devices; a throttle fault says the same."""
    limits = (sim.v2.per_action.most, sim.v2.total.most, sim.v2.reboots.most)
    assert limits == (100, 1000, 100)
    sim.v2.total.most = 1
    assert [code(endpoint, signed(DESCRIBE)), code(endpoint, signed("DescribeOs", deviceClassCode="x"))] == [0, 4400]
    sim.faults.add(DESCRIBE, FaultKind.THROTTLE)
    sim.v2.total.most = None
    assert code(endpoint, signed(DESCRIBE)) == 4400


def test_newer_gateways_add_a_description(sim, endpoint, signed):
    """With the switch on, codeDesc stands in successes and errors."""
    sim.v2.code_desc = True
    answers: list[dict[str, Any]] = [
        requests.post(endpoint, data=signed(action), timeout=5).json() for action in (DESCRIBE, "DescribeOs")
    ]
    assert [answer["codeDesc"] for answer in answers] == ["Success", "InvalidParameter"]


def test_access_log_names_actions_and_codes_only(sim, endpoint, signed):
    """No value of a request stands in it."""
    code(endpoint, signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"}))
    code(endpoint, signed(RESET, passwd="weak", **{"instanceIds.1": "cpm-1"}))
    code(endpoint, signed("Unknown"))
    seen = [(line.operation, line.outcome) for line in sim.requests]
    assert seen == [(RESET, "ok"), (RESET, "code 10001"), ("-", "code 4000")]


def test_guest_login_fits_an_ssh_host(sim):
    """An SSH host in front of a device asks the park for the password and follows its power."""
    with SshHost(sim.guest_login("cpm-1"), up=lambda: sim.running("cpm-1")) as host:
        assert host.check_password("root", OLD)
        assert not host.check_password("root", NEW)
        sim.device("cpm-1").power = 3
        assert not host.up()
