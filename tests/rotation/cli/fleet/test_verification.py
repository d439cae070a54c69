"""Many checks: a few of one driver at a time, each with an end of its own."""

import threading
import time
from types import SimpleNamespace

import pytest

from rotation.cli.fleet import verification
from rotation.cli.fleet.codes import code_of
from rotation.core.errors import LoginRejected, Parked, StoreUnavailable
from rotation.core.process import stop
from rotation.core.values import Evidence
from rotation.engine import run as engine
from rotation.engine.result import Result
from rotation.stores.aws.fleet.fleet_secret import Outcome
from rotation.stores.aws.fleet.lanes import Lanes
from rotation.stores.aws.fleet.turn import Ended


def secret(name, driver):
    """Return what the lanes and turns ask of a secret."""
    return SimpleNamespace(name=name, arn=f"arn/{name}", driver=driver, outcome=Outcome.COMMITTED)


ENDS = {
    "arn/fine": Result(outcome="current_verified", driver="a", evidence=Evidence.LOGIN),
    "arn/none": Result(outcome="nothing_to_verify", driver="a"),
    "arn/dead": LoginRejected("no"),
    "arn/wait": Parked("parked", reason="wrong_login_budget", not_before=1.0),
    "arn/human": Parked("parked", reason="external_change", not_before=1.0),
    "arn/down": StoreUnavailable("down"),
    "arn/odd": KeyError("a value"),
}


def test_each_check_ends_in_its_own_way(monkeypatch):
    """A proof, none to have, drift, a pause, a human's turn, a failure: and no foreign text."""

    def verify(arn):
        end = ENDS[arn]
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(engine, "verify", verify)
    secrets = [secret(arn.removeprefix("arn/"), "a") for arn in ENDS]
    turns = list(verification.verifications(secrets, lambda arn: arn, jobs=3, per_vendor=2))
    assert {each.secret.name: each.ended.value for each in turns} == {
        "fine": "verified",
        "none": "not_checkable",
        "dead": "drifted",
        "wait": "waits",
        "human": "needs_human",
        "down": "failed",
        "odd": "failed",
    }
    assert "a value" not in str([each.describe() for each in turns])


def test_of_one_vendor_only_so_many_are_checked_at_a_time(monkeypatch):
    """Two of one vendor wait for one another, and the other vendor's run beside them."""
    lock, out, most = threading.Lock(), {"a": 0, "b": 0}, {"a": 0, "b": 0}
    both = threading.Barrier(3)

    def verify(arn):
        driver = arn.split("/")[1][0]
        with lock:
            out[driver] += 1
            most[driver] = max(most[driver], out[driver])
        both.wait(30)
        with lock:
            out[driver] -= 1
        return ENDS["arn/fine"]

    monkeypatch.setattr(engine, "verify", verify)
    secrets = [secret(f"a{number}", "a") for number in range(4)] + [secret(f"b{number}", "b") for number in range(2)]
    turns = list(verification.verifications(secrets, lambda arn: arn, jobs=3, per_vendor=2))
    assert len(turns) == 6
    assert most["a"] <= 2
    assert most["b"] <= 2


def test_a_stop_begins_no_further_check(monkeypatch):
    """The turns end with what is there."""
    monkeypatch.setattr("rotation.core.process.stop.requested", lambda: True)
    assert list(verification.verifications([secret("fine", "a")], lambda arn: arn, jobs=1, per_vendor=1)) == []


def test_a_process_that_must_stop_at_once_does_not_wait_for_a_login(monkeypatch):
    """The check that hangs gets three seconds to give its charge back, and no more."""
    hangs, over = threading.Event(), threading.Event()

    def verify(arn):
        if arn == "arn/dead":
            hangs.set()
            over.wait(30)
        return ENDS["arn/fine"]

    monkeypatch.setattr(engine, "verify", verify)
    monkeypatch.setattr(stop, "HALT_SECONDS", 0.05)
    secrets = [secret("dead", "a"), secret("fine", "b")]
    turns = verification.verifications(secrets, lambda arn: arn, jobs=2, per_vendor=1)
    assert next(turns).secret.name == "fine"
    assert hangs.wait(30)
    monkeypatch.setattr(stop._process, "halted", True)
    began = time.monotonic()
    with pytest.raises(stop.Halted):
        turns.throw(stop.Halted())
    assert time.monotonic() - began < 10
    over.set()


def test_lanes_take_turns():
    """The lane with the fewest out comes next; a full lane waits until one is given back."""
    lanes = Lanes([secret("a1", "a"), secret("a2", "a"), secret("b1", "b"), secret("n1", None)], most=1)
    first = lanes.take()
    assert [first.name, lanes.take().name, lanes.take().name, lanes.take()] == ["a1", "b1", "n1", None]
    assert len(lanes) == 1
    lanes.give_back(first)
    assert lanes.take().name == "a2"


def test_the_products_of_a_vendor_share_a_lane():
    """The vendor counts requests for all of them together."""
    lanes = Lanes([secret("one", "tencent_bm"), secret("two", "tencent_cvm"), secret("other", "ucloud_uhost")], most=1)
    assert [lanes.take().name, lanes.take().name, lanes.take()] == ["one", "other", None]


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ([], 0),
        ([Ended.ROTATED, Ended.ALREADY_DONE, Ended.VERIFIED], 0),
        ([Ended.WAITS, Ended.ROTATED], 3),
        ([Ended.NOT_CHECKABLE], 3),
        ([Ended.NEEDS_HUMAN, Ended.WAITS], 4),
        ([Ended.FAILED, Ended.WAITS], 1),
        ([Ended.FAILED, Ended.NEEDS_HUMAN], 4),
        ([Ended.DRIFTED], 4),
    ],
)
def test_the_exit_code_is_that_of_the_worst(ended, code):
    """Needs a human before failed before waits."""
    assert code_of(ended) == code
