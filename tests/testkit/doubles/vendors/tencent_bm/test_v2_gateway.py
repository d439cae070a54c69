"""The gateway of Tencent's v2 API as simulated: keys, clock, nonces, encodings, limits."""

from dataclasses import replace

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET, DESCRIBE = "ResetDevicePasswd", "DescribeDevice"


@pytest.fixture
def sim(clock):
    """A park with one device; nothing takes time."""
    simulator = TencentBm(clock=clock.now)
    simulator.add_device("cpm-1", password=Secret(OLD))
    return simulator


@pytest.fixture
def code(invoke):
    """Sign and send an action and return the answer's code."""
    return lambda action, **more: invoke(action, **more)["code"]


def test_wrong_keys(sim, code, form):
    """A wrong secret key is 4100, an unknown id 4104; a temporary key needs its token, a permanent one takes none."""
    wrong = replace(sim.credentials, secret_key=Secret("guess"))
    nobody = replace(sim.credentials, secret_id="AKIDnobody")
    temporary = sim.add_key(token=Secret("session"))
    for action, target in ((DESCRIBE, {}), (RESET, {"passwd": NEW, "instanceIds.1": "cpm-1"})):
        assert code(action, key=wrong, **target, **form) == 4100
        assert code(action, key=nobody, **target, **form) == 4104
    assert sim.attempts("cpm-1") == 0
    assert code(DESCRIBE, key=temporary) == 4100
    assert code(DESCRIBE, key=temporary, Token="other") == 4100
    assert code(DESCRIBE, key=temporary, Token="session") == 0
    assert code(DESCRIBE, Token="session") == 4100


def test_denied_action(sim, code):
    """A key without the right gets 4300 for that action only."""
    key = sim.add_key(denied=frozenset({RESET}))
    assert code(RESET, key=key, passwd=NEW, **{"instanceIds.1": "cpm-1"}) == 4300
    assert code(DESCRIBE, key=key) == 0
    assert sim.attempts("cpm-1") == 0


@pytest.mark.parametrize("changed", ["Action", "passwd", "Nonce", "Timestamp", "Region", "instanceIds.1"])
def test_everything_is_signed(sim, signed, send, form, changed):
    """A parameter changed or added after signing is 4100, and no device hears of it."""
    http, good = form["http"], signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"}, **form)
    value = {"Action": DESCRIBE, "Nonce": "77", "Timestamp": "1476436690", "Region": "gz"}.get(changed, "other")
    assert send({**good, changed: value}, http)["code"] == 4100
    assert send({**good, "extra": "1"}, http)["code"] == 4100
    assert sim.attempts("cpm-1") == 0
    assert send(good, http)["code"] == 0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"SecretId": None}, 4000),
        ({"Timestamp": None}, 4000),
        ({"Nonce": None}, 4000),
        ({"Nonce": "0"}, 4000),
        ({"Timestamp": "now"}, 4000),
        ({"Region": None}, 0),
    ],
    ids=str,
)
def test_common_parameters(code, changed, expected):
    """All but the region must be there, and timestamp and nonce are positive numbers."""
    assert code(DESCRIBE, **changed) == expected


def test_odd_signatures_and_actions(sim, signed, send, code):
    """A missing signature, a missing or unknown action and an unknown digest are 4000."""
    for changed in ("Signature", "Action"):
        assert send({name: value for name, value in signed(DESCRIBE).items() if name != changed})["code"] == 4000
    assert send({**signed(DESCRIBE), "SignatureMethod": "HmacMD5"})["code"] == 4000
    assert code("DescribeDeviceList") == 4000
    sim.v2.gateway.codes.unknown_action = 6100
    assert code("DescribeDeviceList") == 6100


def test_repeated_nonce_is_a_replay(sim, code, clock, form):
    """A used nonce is 4500 for four hours, even with a new timestamp; another key has its own nonces."""
    same = {"passwd": NEW, "instanceIds.1": "cpm-1", "Nonce": "77"}
    assert [code(RESET, **same, **form) for _ in range(2)] == [0, 4500]
    clock.sleep(3600)
    assert code(DESCRIBE, Nonce="77", **form) == 4500
    assert code(DESCRIBE, **form) == 0
    assert code(DESCRIBE, key=sim.add_key(), Nonce="77") == 0
    clock.sleep(3 * 3600)
    assert code(DESCRIBE, Nonce="77") == 0
    assert (sim.attempts("cpm-1"), sim.resets("cpm-1")) == (1, 1)


def test_forged_call_uses_up_no_nonce(signed, send):
    """A wrong signature leaves the nonce to its owner."""
    good = signed(DESCRIBE)
    assert send({**good, "Signature": "forged"})["code"] == 4100
    assert send(good)["code"] == 0


def test_resent_copy_after_a_lost_answer_is_a_replay(sim, signed, send):
    """The second copy is 4500, although the first took effect."""
    params = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(ConnectionError):
        send(params)
    assert send(params)["code"] == 4500
    assert sim.guest_password("cpm-1") == Secret(NEW)


@pytest.mark.parametrize(("ahead", "expected"), [(7200, 0), (-7200, 0), (7201, 4200), (-7201, 4200)])
def test_clock_may_differ_by_two_hours(sim, code, form, ahead, expected):
    """A clock that is off by one second more is 4200, and no device hears of the request."""
    target = {"passwd": NEW, "instanceIds.1": "cpm-1"}
    assert code(RESET, Timestamp=str(1_476_436_689 + ahead), **target, **form) == expected
    assert sim.attempts("cpm-1") == int(expected == 0)


def test_stale_code_is_a_switch(sim, code):
    """The code for a clock that is off can be 4500, which the pages name as well as 4200."""
    sim.v2.gateway.codes.stale_timestamp = 4500
    assert code(DESCRIBE, Timestamp="1") == 4500


@pytest.mark.parametrize("method", ["HmacSHA1", "HmacSHA256"])
def test_get_takes_the_query_alone_and_post_the_form_alone(signed, url, method):
    """Parameters in the wrong place are not seen."""
    get = signed(DESCRIBE, http="GET", SignatureMethod=method)
    post = signed(DESCRIBE, SignatureMethod=method)
    for http, place, params, expected in (
        ("GET", "params", get, 0),
        ("POST", "params", post, 4000),
        ("GET", "data", get, 4000),
        ("PUT", "data", post, 4600),
        ("POST", "data", get, 4100),
    ):
        answer = requests.request(http, f"{url}/v2/index.php", **{place: params}, timeout=5)
        assert answer.json()["code"] == expected


@pytest.mark.parametrize("password", ["1a()~!@#$%^&*-+=", "1a_{}[]:;'|<>,.?", "%41b+c%2B12", "b@&a=1+#/"])
@pytest.mark.parametrize("http", ["GET", "POST"])
def test_passwords_arrive_as_sent(sim, code, http, password):
    """A password is signed raw and sent encoded, and arrives as it was, in either form of the request."""
    assert code(RESET, http=http, passwd=password, **{"instanceIds.1": "cpm-1"}) == 0
    assert sim.guest_password("cpm-1") == Secret(password)


def test_leading_at_is_left_out_of_a_posts_signature(sim, code):
    """A POST's value with a leading ``@`` is not signed, as in the vendor's SDK; a switch signs everything."""
    target = {"instanceIds.1": "cpm-1", "passwd": "@bcdef12"}
    assert code(RESET, **target) == 0
    assert code(RESET, sign_at=True, **target) == 4100
    sim.v2.gateway.sign_at = True
    assert code(RESET, sign_at=True, **target) == 0
    assert code(RESET, http="GET", **target) == 0


def test_limits_of_the_vendor(sim, code, clock):
    """An action has 100 calls a minute, all have 1000, and 100 devices are rebooted; a throttle fault is the same."""
    limits = (sim.v2.per_action.most, sim.v2.per_action.seconds, sim.v2.total.most, sim.v2.reboots.most)
    assert limits == (100, 60, 1000, 100)
    sim.v2.per_action.most = 3
    assert [code(DESCRIBE) for _ in range(4)] == [0, 0, 0, 4400]
    assert code("DescribeOs", deviceClassCode="PS100v1") == 0
    clock.sleep(60)
    sim.v2.total.most = 1
    assert [code(DESCRIBE), code("DescribeOs", deviceClassCode="x")] == [0, 4400]
    sim.v2.total.most = None
    sim.faults.add(DESCRIBE, FaultKind.THROTTLE)
    assert code(DESCRIBE) == 4400


def test_newer_gateways_add_a_description(sim, invoke):
    """With the switch on, codeDesc stands in successes and errors."""
    sim.v2.code_desc = True
    answers = [invoke(action) for action in (DESCRIBE, "DescribeOs")]
    assert [answer["codeDesc"] for answer in answers] == ["Success", "InvalidParameter"]


def test_access_log_names_actions_and_codes_only(sim, code):
    """The access log holds actions and codes, and no value of a request."""
    code(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    code(RESET, passwd="weak", **{"instanceIds.1": "cpm-1"})
    code("Unknown")
    seen = [(line.operation, line.outcome) for line in sim.requests]
    assert seen == [(RESET, "ok"), (RESET, "code 10001"), ("-", "code 4000")]
