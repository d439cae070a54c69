"""The gateway of Tencent's v2 API as simulated: keys, clock, nonces, encodings, limits; driven by raw requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.secret import Secret
from rotation.testing.faults import FaultKind
from rotation.testing.simulators._tencent_v2_gate import canonical, signature
from rotation.testing.simulators.tencent_bm import SecretKey, TencentBm
from rotation.testing.ssh_host import SshHost

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET, DESCRIBE = "ResetDevicePasswd", "DescribeDevice"
Sign = Callable[..., dict[str, str]]


class Clock:
    """Seconds that move when told."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        """Return now."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> TencentBm:
    """A park with one device; nothing takes time."""
    simulator = TencentBm(clock=clock)
    simulator.add_device("cpm-1", password=Secret(OLD))
    return simulator


@pytest.fixture
def url(sim: TencentBm) -> Iterator[str]:
    """Where the v2 API listens."""
    with sim.serve() as base:
        yield base + "/v2/index.php"


@pytest.fixture
def signed(sim: TencentBm, url: str, clock: Clock) -> Sign:
    """Sign parameters; a value given as None is left out before signing."""
    nonces = count(1)

    def params(
        action: str, *, key: SecretKey | None = None, http: str = "POST", sign_at: bool = False, **more: str | None
    ) -> dict[str, str]:
        who = key or sim.credentials
        common = {"Region": "bj", "SecretId": who.secret_id, "Timestamp": str(int(clock())), "Nonce": str(next(nonces))}
        full = {name: value for name, value in {"Action": action, **common, **more}.items() if value is not None}
        host = url.removeprefix("http://").partition("/")[0]
        text = canonical(http, host, full, sign_at=sign_at)
        return {**full, "Signature": signature(text, who.secret_key, full.get("SignatureMethod", "HmacSHA1"))}

    return params


def code(url: str, params: dict[str, str]) -> int:
    """Post a form and return the answer's code."""
    return int(requests.post(url, data=params, timeout=5).json()["code"])


def test_wrong_keys(sim: TencentBm, url: str, signed: Sign) -> None:
    """A wrong secret key is 4100, an unknown id 4104; a temporary key needs its token, a permanent one takes none."""
    wrong = replace(sim.credentials, secret_key=Secret("guess"))
    nobody = replace(sim.credentials, secret_id="AKIDnobody")
    temporary = sim.add_key(token=Secret("session"))
    assert code(url, signed(DESCRIBE, key=wrong)) == 4100
    assert code(url, signed(DESCRIBE, key=nobody)) == 4104
    assert code(url, signed(DESCRIBE, key=temporary)) == 4100
    assert code(url, signed(DESCRIBE, key=temporary, Token="other")) == 4100
    assert code(url, signed(DESCRIBE, key=temporary, Token="session")) == 0
    assert code(url, signed(DESCRIBE, Token="session")) == 4100


def test_denied_action(sim: TencentBm, url: str, signed: Sign) -> None:
    """A key without the right gets 4300 for that action only."""
    key = sim.add_key(denied=frozenset({RESET}))
    assert code(url, signed(RESET, key=key, passwd=NEW, **{"instanceIds.1": "cpm-1"})) == 4300
    assert code(url, signed(DESCRIBE, key=key)) == 0
    assert sim.attempts("cpm-1") == 0


@pytest.mark.parametrize("changed", ["Action", "passwd", "Nonce", "Timestamp", "Region", "instanceIds.1"])
def test_everything_is_signed(url: str, signed: Sign, changed: str) -> None:
    """A parameter changed or added after signing is 4100."""
    good = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    value = {"Action": DESCRIBE, "Nonce": "77", "Timestamp": "1700000001", "Region": "gz"}.get(changed, "other")
    assert code(url, {**good, changed: value}) == 4100
    assert code(url, {**good, "extra": "1"}) == 4100
    assert code(url, good) == 0


@pytest.mark.parametrize("missing", ["SecretId", "Timestamp", "Nonce"])
def test_missing_common_parameters(url: str, signed: Sign, missing: str) -> None:
    """Each of them is 4000."""
    assert code(url, signed(DESCRIBE, **{missing: None})) == 4000


def test_odd_common_parameters(sim: TencentBm, url: str, signed: Sign) -> None:
    """No signature, no or unknown action, an unknown digest, a nonce that is no positive number, no region."""
    good = signed(DESCRIBE)
    assert code(url, {name: value for name, value in good.items() if name != "Signature"}) == 4000
    assert code(url, {name: value for name, value in good.items() if name != "Action"}) == 4000
    assert code(url, signed("DescribeDeviceList")) == 4000
    assert code(url, signed(DESCRIBE, Nonce="0")) == 4000
    assert code(url, signed(DESCRIBE, Timestamp="now")) == 4000
    assert code(url, {**signed(DESCRIBE), "SignatureMethod": "HmacMD5"}) == 4000
    assert code(url, signed(DESCRIBE, Region=None)) == 0
    sim.v2.gate.codes.unknown_action = 6100
    assert code(url, signed("DescribeDeviceList")) == 6100


def test_repeated_nonce_is_a_replay(sim: TencentBm, url: str, signed: Sign, clock: Clock) -> None:
    """4500 for four hours, even with a new timestamp; another key has its own nonces."""
    first = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    assert [code(url, first), code(url, first)] == [0, 4500]
    clock.now += 3600
    assert code(url, signed(DESCRIBE, Nonce=first["Nonce"])) == 4500
    assert code(url, signed(DESCRIBE, key=sim.add_key(), Nonce=first["Nonce"])) == 0
    clock.now += 3 * 3600
    assert code(url, signed(DESCRIBE, Nonce=first["Nonce"])) == 0
    assert sim.resets("cpm-1") == 1


def test_forged_call_uses_up_no_nonce(url: str, signed: Sign) -> None:
    """A wrong signature leaves the nonce to its owner."""
    good = signed(DESCRIBE)
    assert code(url, {**good, "Signature": "forged"}) == 4100
    assert code(url, good) == 0


def test_resent_copy_after_a_lost_answer_is_a_replay(sim: TencentBm, url: str, signed: Sign) -> None:
    """4500 then says nothing about the first copy, which took effect."""
    params = signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"})
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(requests.ConnectionError):
        code(url, params)
    assert code(url, params) == 4500
    assert sim.guest_password("cpm-1") == Secret(NEW)


@pytest.mark.parametrize(("ahead", "expected"), [(7200, 0), (-7200, 0), (7201, 4200), (-7201, 4200)])
def test_clock_may_differ_by_two_hours(url: str, signed: Sign, clock: Clock, ahead: int, expected: int) -> None:
    """One second more is 4200."""
    assert code(url, signed(DESCRIBE, Timestamp=str(int(clock.now) + ahead))) == expected


def test_stale_code_is_a_switch(sim: TencentBm, url: str, signed: Sign) -> None:
    """The pages name 4200 and 4500 for a clock that is off."""
    sim.v2.gate.codes.stale_timestamp = 4500
    assert code(url, signed(DESCRIBE, Timestamp="1")) == 4500


@pytest.mark.parametrize("method", ["HmacSHA1", "HmacSHA256"])
def test_get_takes_the_query_alone_and_post_the_form_alone(url: str, signed: Sign, method: str) -> None:
    """Parameters in the wrong place are not seen."""
    get = signed(DESCRIBE, http="GET", SignatureMethod=method)
    assert requests.get(url, params=get, timeout=5).json()["code"] == 0
    post = signed(DESCRIBE, SignatureMethod=method)
    assert requests.post(url, params=post, timeout=5).json()["code"] == 4000
    assert requests.get(url, data=get, timeout=5).json()["code"] == 4000
    assert requests.put(url, data=post, timeout=5).json()["code"] == 4600
    assert code(url, get) == 4100


@pytest.mark.parametrize("password", ["1a()~!@#$%^&*-+=", "1a_{}[]:;'|<>,.?", "%41b+c%2B12", "b@&a=1+#/"])
@pytest.mark.parametrize("http", ["GET", "POST"])
def test_passwords_arrive_as_sent(sim: TencentBm, url: str, signed: Sign, http: str, password: str) -> None:
    """Signed raw, sent encoded: what arrives is what was meant, in either form of the request."""
    params = signed(RESET, http=http, passwd=password, **{"instanceIds.1": "cpm-1"})
    wire = urlencode(params, quote_via=quote)
    if http == "GET":
        answer = requests.get(f"{url}?{wire}", timeout=5)
    else:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(url, data=wire, headers=form, timeout=5)
    assert answer.json()["code"] == 0
    assert sim.guest_password("cpm-1") == Secret(password)


def test_leading_at_is_left_out_of_a_posts_signature(sim: TencentBm, url: str, signed: Sign) -> None:
    """As the vendor's SDK signs; a switch has the server sign everything."""
    target = {"instanceIds.1": "cpm-1", "passwd": "@bcdef12"}
    assert code(url, signed(RESET, **target)) == 0
    assert code(url, signed(RESET, sign_at=True, **target)) == 4100
    sim.v2.gate.sign_at = True
    assert code(url, signed(RESET, sign_at=True, **target)) == 0
    get = signed(RESET, http="GET", **target)
    assert requests.get(url, params=get, timeout=5).json()["code"] == 0


def test_hundred_calls_a_minute_per_action(sim: TencentBm, url: str, signed: Sign, clock: Clock) -> None:
    """The next one is 4400, other actions go on, and a minute later all is well."""
    sim.v2.per_action.most = 3
    assert sim.v2.per_action.seconds == 60
    assert [code(url, signed(DESCRIBE)) for _ in range(4)] == [0, 0, 0, 4400]
    assert code(url, signed("DescribeOs", deviceClassCode="PS100v1")) == 0
    clock.now += 60
    assert code(url, signed(DESCRIBE)) == 0


def test_limits_of_the_vendor(sim: TencentBm, url: str, signed: Sign) -> None:
    """100 a minute for each action, 1000 for all, 100 rebooted devices; a throttle fault says the same."""
    limits = (sim.v2.per_action.most, sim.v2.total.most, sim.v2.reboots.most)
    assert limits == (100, 1000, 100)
    sim.v2.total.most = 1
    assert [code(url, signed(DESCRIBE)), code(url, signed("DescribeOs", deviceClassCode="x"))] == [0, 4400]
    sim.faults.add(DESCRIBE, FaultKind.THROTTLE)
    sim.v2.total.most = None
    assert code(url, signed(DESCRIBE)) == 4400


def test_newer_gateways_add_a_description(sim: TencentBm, url: str, signed: Sign) -> None:
    """With the switch on, codeDesc stands in successes and errors."""
    sim.v2.code_desc = True
    answers: list[dict[str, Any]] = [
        requests.post(url, data=signed(action), timeout=5).json() for action in (DESCRIBE, "DescribeOs")
    ]
    assert [answer["codeDesc"] for answer in answers] == ["Success", "InvalidParameter"]


def test_access_log_names_actions_and_codes_only(sim: TencentBm, url: str, signed: Sign) -> None:
    """No value of a request stands in it."""
    code(url, signed(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1"}))
    code(url, signed(RESET, passwd="weak", **{"instanceIds.1": "cpm-1"}))
    code(url, signed("Unknown"))
    seen = [(line.operation, line.outcome) for line in sim.requests]
    assert seen == [(RESET, "ok"), (RESET, "code 10001"), ("-", "code 4000")]


def test_guest_login_fits_an_ssh_host(sim: TencentBm) -> None:
    """An SSH host in front of a device asks the park for the password and follows its power."""
    with SshHost(sim.guest_login("cpm-1"), up=lambda: sim.running("cpm-1")) as host:
        assert host.check_password("root", OLD)
        assert not host.check_password("root", NEW)
        sim.device("cpm-1").power = 3
        assert not host.up()
