"""The fault plan, and every kind of fault over real HTTP (shown on the CompShare simulator)."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind, FaultPlan
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import UCloudCompShare, signature

OLD, NEW = Secret("Old-pass-1234"), Secret("New-pass-5678")
RESET = "ResetCompShareInstancePassword"


@pytest.fixture
def sim(clock):
    """A simulator with one container."""
    simulator = UCloudCompShare(clock=clock.now)
    simulator.add_instance("uhost-box", password=OLD)
    return simulator


@pytest.fixture
def send(sim):
    """Send a signed reset, or another action."""

    def call(action=RESET, timeout=5):
        params = {
            "Action": action,
            "PublicKey": sim.credentials.public_key,
            "Region": "cn-wlcb",
            "Zone": "cn-wlcb-01",
            "UHostId": "uhost-box",
            "Password": base64.b64encode(NEW.reveal().encode()).decode(),
        }
        signed = {**params, "Signature": signature(params, sim.credentials.private_key)}
        return requests.post(url, data=signed, timeout=timeout, allow_redirects=False)

    with sim.serve() as url:
        yield call


def applied(sim):
    """Tell whether the new password is in force; it never changes without being counted."""
    changed = sim.guest_password("uhost-box") == NEW
    assert sim.resets("uhost-box") == int(changed)
    return changed


@pytest.mark.parametrize(("kind", "took_effect"), [(FaultKind.DROP_BEFORE, False), (FaultKind.DROP_AFTER, True)])
def test_dropped_connection(send, sim, kind, took_effect):
    """The client sees the connection close; only the kind decides about the effect."""
    sim.faults.add(RESET, kind)
    with pytest.raises(requests.ConnectionError):
        send()
    assert applied(sim) is took_effect


@pytest.mark.parametrize(
    ("kind", "details", "status", "took_effect"),
    [
        (FaultKind.ERROR_BEFORE, {}, 500, False),
        (FaultKind.ERROR_BEFORE, {"status": 503}, 503, False),
        (FaultKind.ERROR_AFTER, {}, 502, True),
        (FaultKind.ERROR_AFTER, {"status": 504}, 504, True),
        (FaultKind.THROTTLE, {"status": 429}, 429, False),
        (FaultKind.REDIRECT, {"location": "http://elsewhere.example/"}, 302, False),
        (FaultKind.REDIRECT, {"location": "http://elsewhere.example/", "status": 307}, 307, False),
        (FaultKind.HTML, {}, 200, False),
    ],
    ids=str,
)
def test_http_level_faults(send, sim, kind, details, status, *, took_effect):  # noqa: PLR0913 - one row of the table
    """A proxy's page comes instead of the vendor's answer."""
    sim.faults.add(RESET, kind, **details)
    answer = send()
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.headers.get("Location") == details.get("location")
    assert applied(sim) is took_effect


@pytest.mark.parametrize(
    ("kind", "details", "code", "took_effect"),
    [
        (FaultKind.VENDOR_CODE, {"code": 130}, 130, False),
        (FaultKind.VENDOR_CODE_AFTER, {"code": 110}, 110, True),
        (FaultKind.THROTTLE, {}, 153, False),
        (FaultKind.SILENT, {}, 0, False),
    ],
    ids=str,
)
def test_vendor_level_faults(send, sim, kind, details, code, *, took_effect):  # noqa: PLR0913 - one row of the table
    """The vendor answers in its own words, truthfully or not."""
    sim.faults.add(RESET, kind, **details)
    assert send().json()["RetCode"] == code
    assert applied(sim) is took_effect


def test_cut_reply(send, sim):
    """A cut reply is no JSON; with the whole length claimed the body ends too early. Both took effect."""
    sim.faults.add(RESET, FaultKind.TRUNCATED)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        send().json()
    assert applied(sim)
    sim.faults.add("DescribeCompShareInstance", FaultKind.TRUNCATED, claimed=True)
    with pytest.raises(requests.RequestException):
        send("DescribeCompShareInstance")


@pytest.mark.parametrize("took_effect", [True, False])
def test_empty_reply(send, sim, took_effect):
    """200 without a body says nothing about the effect."""
    sim.faults.add(RESET, FaultKind.EMPTY, applied=took_effect)
    answer = send()
    assert (answer.status_code, answer.content) == (200, b"")
    assert applied(sim) is took_effect


@pytest.mark.parametrize("took_effect", [True, False])
def test_client_gives_up_on_a_hanging_call(send, sim, took_effect):
    """The client's time-out ends the call; the effect was there before the wait, or never comes."""
    let_go = threading.Event()
    sim.faults.add(RESET, FaultKind.HANG, applied=took_effect, event=let_go)
    with pytest.raises(requests.ReadTimeout):
        send(timeout=0.3)
    assert applied(sim) is took_effect
    let_go.set()


def test_patient_client_gets_the_answer(send, sim):
    """A hang that ends in time is only slow when applied; otherwise the connection closes."""
    sim.faults.add(RESET, FaultKind.HANG, applied=False, seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        send()
    sim.faults.add(RESET, FaultKind.HANG, applied=True, seconds=0.05)
    assert send().json()["RetCode"] == 0
    assert applied(sim)


def test_closing_the_simulator_lets_hanging_calls_go(sim):
    """A hanging call ends when the simulator is closed, although its event is never set."""
    reached = threading.Event()
    sim.faults.add("*", FaultKind.HANG, applied=False, event=threading.Event(), reached=reached)
    with ThreadPoolExecutor(1) as pool:
        with sim.serve() as url:
            call = pool.submit(requests.get, url, timeout=10)
            assert reached.wait(5)
        with pytest.raises(requests.ConnectionError):
            call.result(5)


@pytest.mark.parametrize(
    ("details", "code"), [({}, 0), ({"code": 8898}, 8898), ({"status": 504}, None), ({"drop": True}, None)], ids=str
)
def test_late_effect(send, sim, clock, details, code):
    """Whatever is answered, the password changes only when its delay is over."""
    sim.faults.add(RESET, FaultKind.LATE, delay=60, **details)
    if details.get("drop"):
        with pytest.raises(requests.ConnectionError):
            send()
    else:
        answer = send()
        assert answer.status_code == details.get("status", 200)
        assert code is None or answer.json()["RetCode"] == code
    clock.sleep(59)
    assert not applied(sim)
    clock.sleep(1)
    assert applied(sim)


def test_refused_call_stays_refused(send, sim):
    """A fault after the effect does not make the vendor accept what it refuses."""
    sim.instance("uhost-box").expired = True
    sim.faults.add(RESET, FaultKind.ERROR_AFTER)
    assert send().status_code == 502
    assert not applied(sim)
    assert sim.requests[-1].outcome == "HTTP 502 (fault: error_after)"


def test_plan_is_consumed_in_order_per_operation():
    """Named and "*" entries are met in the order added; others' entries stay."""
    plan = FaultPlan()
    plan.add("A", FaultKind.HTML, times=2)
    plan.add("B", FaultKind.DROP_AFTER)
    plan.add("*", FaultKind.DROP_BEFORE)
    taken = [fault and fault.kind for fault in map(plan.take, "CAABB")]
    assert taken == [FaultKind.DROP_BEFORE, FaultKind.HTML, FaultKind.HTML, FaultKind.DROP_AFTER, None]
    assert plan.met[0] == ("C", FaultKind.DROP_BEFORE)
    assert plan.pending == 0


def test_plan_can_skip_and_stop():
    """``skip`` lets calls pass first; ``clear`` ends all faults."""
    plan = FaultPlan()
    plan.add("A", FaultKind.HTML, skip=2, times=3)
    assert [bool(plan.take("A")) for _ in range(3)] == [False, False, True]
    plan.clear()
    assert plan.take("A") is None


def test_plan_is_thread_safe():
    """A thousand takers share a hundred faults exactly."""
    plan = FaultPlan()
    plan.add("A", FaultKind.HTML, times=100)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: plan.take("A"), range(1000)))
    assert sum(fault is not None for fault in taken) == 100


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        (FaultKind.VENDOR_CODE, {}, TypeError),
        (FaultKind.HANG, {"seconds": 1}, TypeError),
        (FaultKind.LATE, {}, TypeError),
        (FaultKind.REDIRECT, {}, TypeError),
        (FaultKind.HTML, {"status": 500}, TypeError),
        (FaultKind.HTML, {"times": 0}, ValueError),
        (FaultKind.HTML, {"skip": -1}, ValueError),
    ],
    ids=str,
)
def test_plan_is_strict(kind, details, error):
    """A misspelt or missing detail is an error at once, not a fault that never comes."""
    plan = FaultPlan()
    with pytest.raises(error):
        plan.add("A", kind, **details)
    assert plan.pending == 0


def test_log_is_clean_and_captures_are_complete(send, sim):
    """The access log holds no value of the request; captures hold them all, and their repr none."""
    send()
    (line,), (captured,) = sim.requests, sim.captured
    encoded = base64.b64encode(NEW.reveal().encode()).decode()
    assert (line.operation, line.outcome, line.time) == (RESET, "ok", 1_700_000_000.0)
    assert line.request_id
    assert captured.method == "POST"
    assert captured.holds("UHostId=uhost-box")
    assert captured.holds("python-requests")
    assert captured.url.startswith("http://127.0.0.1")
    assert encoded.rstrip("=") in captured.body.decode()
    assert encoded.rstrip("=") not in repr((line, captured))
    assert sim.credentials.private_key.reveal() not in repr((sim.credentials, line))
