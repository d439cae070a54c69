"""Facts about the one moment before which nothing is tried."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.errors import SettingsError
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.values import Evidence, Lockout
from rotation.deployment.deployment import Deployment
from rotation.state import marks, waiting
from rotation.state.parking import Reason
from rotation.state.versions import SecretState, Version
from rotation.state.waiting import BACK_OFF_MOST, Wait, back_off, earliest

LOCKOUT = Lockout(tries=5, window_seconds=300)


def at(text: str) -> float:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "now", "opens"),
    [
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-20T12:00", "2026-11-21T02:00"),
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-21T01:59:59", "2026-11-21T02:00"),
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-21T02:00", "2026-11-21T02:00"),
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-21T04:59:59", "2026-11-21T04:59:59"),
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-21T05:00", "2026-11-22T02:00"),
        ("Sat,Sun 02:00-05:00 UTC", "2026-11-22T05:00", "2026-11-28T02:00"),
        ("03:00-04:00 UTC", "2026-11-20T12:00", "2026-11-21T03:00"),
        ("Mon-Fri 23:00-01:00 UTC", "2026-11-21T00:30", "2026-11-21T00:30"),
        ("Mon-Fri 23:00-01:00 UTC", "2026-11-22T00:30", "2026-11-23T23:00"),
        ("Sun 23:00-01:00 UTC", "2026-11-23T00:59", "2026-11-23T00:59"),
        ("Fri-Mon 10:00-11:00 UTC", "2026-11-24T12:00", "2026-11-27T10:00"),
        ("Sat 02:00-05:00 UTC; Wed 22:00-24:00 UTC", "2026-11-22T12:00", "2026-11-25T22:00"),
        ("00:00-24:00 UTC", "2026-11-22T23:59:59", "2026-11-22T23:59:59"),
    ],
)
def test_the_next_opening(text: str, now: str, opens: str) -> None:
    """2026-11-21 is a Saturday; a span may end the next day, and a week may wrap."""
    assert Windows.parse(text).next_open(at(now)) == at(opens)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["must look like"]),
        ("02:00-05:00", ["must look like"]),
        ("Sat 02:00-05:00 CET", ["must look like"]),
        ("Sat 2:00-5:00 UTC", ["must look like"]),
        ("Sat 02:00-02:00 UTC", ["begins and ends at the same time"]),
        ("Sat 02:60-25:00 UTC", ["no time of day: 02:60", "no time of day: 25:00"]),
        ("Sat,Caturday,,sun 02:00-05:00 UTC", ["(Mon to Sun): Caturday", "an empty one", "(Mon to Sun): sun"]),
        ("Sat 01:00-02:00 UTC; nonsense; Xyz 03:00-24:01 UTC", ["must look like", "no time of day: 24:01", "Xyz"]),
        ("Sat 01:00-02:00 UTC;", ["must look like"]),
    ],
)
def test_every_fault_of_a_window_is_reported(text: str, faults: list[str]) -> None:
    """A window that is misread would rotate at noon."""
    with pytest.raises(ValueError, match=re.escape(faults[0])) as caught:
        Windows.parse(text)
    assert len(caught.value.args) == len(faults)
    assert all(part in fault for part, fault in zip(faults, caught.value.args, strict=True))


@settings(deadline=None)  # a busy machine is no fault
@given(
    now=st.floats(min_value=0, max_value=4e9),
    start=st.integers(min_value=0, max_value=1439),
    length=st.integers(min_value=1, max_value=1439),
    day=st.sampled_from(["Mon", "Thu", "Sun", "Sat-Tue", "Mon-Sun"]),
)
def test_an_opening_is_open_and_the_first(now: float, start: int, length: int, day: str) -> None:
    """It is never before now, never more than eight days off, open when it comes, and nothing opens before it."""
    end = (start + length) % 1440
    it = Windows.parse(f"{day} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02} UTC")
    opens = it.next_open(now)
    assert now <= opens <= now + 8 * 86_400
    assert it.next_open(opens) == opens
    assert it.next_open(now + (opens - now) / 2) == (now if opens == now else opens)


def test_the_latest_wait_decides() -> None:
    """One moment and its reason; what is over counts no more."""
    waits = [Wait("a", 50.0), Wait("b", 200.0), Wait("c", 150.0)]
    assert [earliest(100.0, waits), earliest(200.0, waits), earliest(100.0, [])] == [Wait("b", 200.0), None, None]


def test_the_window_moves_a_wait_to_its_next_opening() -> None:
    """A wait that ends inside the window stays as it is."""
    it = Windows.parse("Sat 02:00-05:00 UTC")
    inside, after = at("2026-11-21T03:00"), at("2026-11-21T06:00")
    assert earliest(at("2026-11-21T02:30"), [Wait("x", inside)], it) == Wait("x", inside)
    moved = earliest(at("2026-11-21T02:30"), [Wait("x", after)], it)
    assert moved == Wait(Reason.OUTSIDE_WINDOW, at("2026-11-28T02:00"))
    assert earliest(at("2026-11-21T02:30"), [], it) is None
    assert earliest(0.0, [], ANYTIME) is None


def test_the_back_off_grows_from_nothing_to_a_limit() -> None:
    """The first failure is free, then 30 s doubles up to a quarter of an hour; at least half of each is certain."""
    pauses = [back_off(failures, "token") for failures in range(40)]
    assert pauses[:2] == [0.0, 0.0]
    for failures, pause in enumerate(pauses[2:], start=2):
        span = min(BACK_OFF_MOST, 30.0 * 2.0 ** (failures - 2))
        assert span / 2 <= pause < span
    assert pauses[2:8] == sorted(pauses[2:8])


def test_the_jitter_is_the_seeds_own() -> None:
    """The same secret always waits the same, and secrets that failed together come back apart."""
    assert back_off(5, "one") == back_off(5, "one")
    drawn = {back_off(5, f"token-{number}") for number in range(200)}
    assert len(drawn) == 200
    assert max(drawn) - min(drawn) > 100


def state(**versions: set[str]) -> SecretState:
    """Return a secret with these labels."""
    known = {key: Version.from_labels(key, labels) for key, labels in versions.items()}
    return SecretState(rotation_enabled=True, versions=known)


def test_a_parking_holds_for_its_version_and_a_lock_for_all() -> None:
    """The account is one, whichever version a run was about; a window's label decides nothing."""
    secret = state(
        a={marks.parked(Reason.TOO_SOON, 10).on("a")},
        b={marks.parked(Reason.ACCOUNT_LOCKED, 20).on("b")},
        c={marks.parked(Reason.OUTSIDE_WINDOW, 30).on("c")},
        d={marks.parked("from_tomorrow", 40).on("d")},
    )
    assert [wait.until for wait in waiting.noted(secret, "a")] == [10.0, 20.0]
    assert [wait.until for wait in waiting.noted(secret, "c")] == [20.0]
    assert [(wait.reason, wait.until) for wait in waiting.noted(secret, "d")][1:] == [("from_tomorrow", 40.0)]


def test_the_minimum_age_counts_from_currents_reset() -> None:
    """What was never reset by us has no age that we know of."""
    aged = state(c={"AWSCURRENT", marks.intent(1000).on("c")})
    assert waiting.before_a_reset(aged, min_age_seconds=300) == [Wait(Reason.TOO_SOON, 1300.0)]
    assert waiting.before_a_reset(state(c={"AWSCURRENT"}), min_age_seconds=300) == []


def test_a_request_of_a_rotation_that_was_given_up_may_still_arrive() -> None:
    """A new candidate waits for a request that was given up or rolled back; the same token's attempts do not."""
    left = state(c={"AWSCURRENT"}, gone={marks.intent(1000).on("gone")})
    due = Wait(Reason.TOO_SOON, 1000 + waiting.ARRIVAL_SECONDS)
    assert waiting.before_a_reset(left, min_age_seconds=0, token="new") == [due]
    assert waiting.before_a_reset(left, min_age_seconds=0, token="gone") == []
    rolled_back = state(c={"AWSCURRENT"}, p={"AWSPREVIOUS", marks.intent(1000).on("p")})
    assert waiting.before_a_reset(rolled_back, min_age_seconds=0, token="t") == [due]


def test_a_request_of_a_promoted_rotation_may_still_arrive_if_its_answer_was_lost() -> None:
    """The run that proved the candidate had its answer; the one before it ended without."""
    lost = marks.intent(1000, run="aa", base="p")
    proved = marks.intent(1040, until=1100, run="bb", base="p")
    times = [
        [wait.until for wait in waiting.before_a_reset(state(c=labels), min_age_seconds=0)]
        for labels in ({"AWSCURRENT", proved.on("c")}, {"AWSCURRENT", lost.on("c"), proved.on("c")})
    ]
    assert times == [[1040.0], [1040.0, 1000 + waiting.ARRIVAL_SECONDS]]


def test_a_value_put_by_hand_after_a_proof_does_not_make_the_next_reset_wait() -> None:
    """Nothing of the proved rotation is on its way, but for a run before the latest whose answer was lost.

    Its reset took place, so the minimum age counts from it.
    """
    lost = marks.intent(1000, run="aa", base="p")
    proved = {marks.intent(1040, until=1100, run="bb", base="p").on("v"), marks.proof(Evidence.LOGIN).on("v")}
    for stages in ({"AWSPREVIOUS"}, set()):  # it was promoted, or cancelled
        put = state(c={"AWSCURRENT"}, v={*stages, *proved})
        aged = Wait(Reason.TOO_SOON, 1340.0)
        assert waiting.before_a_reset(put, min_age_seconds=300, token="t") == [aged]
        again = state(c={"AWSCURRENT"}, v={*stages, *proved, lost.on("v")})
        due = Wait(Reason.TOO_SOON, 1000 + waiting.ARRIVAL_SECONDS)
        assert waiting.before_a_reset(again, min_age_seconds=300, token="t") == [aged, due]


def test_a_spent_budget_holds_a_reset_back() -> None:
    """A spent budget holds a reset back, since its proof needs a login; carried charges count."""
    charged = {"AWSCURRENT", marks.rejected(1, 1000).on("c"), marks.carried(marks.rejected(2, 1050), "gone").on("c")}
    found = waiting.for_wrong_logins(state(c=charged), 1100, LOCKOUT)
    assert found == [Wait(Reason.WRONG_LOGIN_BUDGET, 1350.0)]
    assert waiting.for_wrong_logins(state(c=charged), 1320, LOCKOUT) == []


def test_a_deployment_names_a_window_for_all_or_for_one_driver() -> None:
    """The driver's own goes before the common one, and an empty variable is none."""
    common, own = "Sat 02:00-05:00 UTC", "Sun 02:00-05:00 UTC"
    made = Deployment.from_environment(
        {"LOCKSTEP_DRIVERS": "acme,other", "LOCKSTEP_WINDOW": common, "LOCKSTEP_ACME_WINDOW": own}
    )
    assert made.windows == {"acme": Windows.parse(own), "other": Windows.parse(common)}
    assert Deployment.from_environment({"LOCKSTEP_DRIVERS": "acme", "LOCKSTEP_WINDOW": ""}).windows == {}


def test_faults_of_every_window_are_told_by_the_variables_name() -> None:
    """All of them, beside the other faults of the environment."""
    with pytest.raises(SettingsError) as caught:
        Deployment.from_environment(
            {"LOCKSTEP_DRIVERS": "acme", "LOCKSTEP_WINDOW": "noon; 25:00-26:00 UTC", "LOCKSTEP_ACME_WINDOW": "x"}
        )
    names = [fault.split()[0] for fault in caught.value.faults]
    assert names == ["LOCKSTEP_WINDOW"] * 3 + ["LOCKSTEP_ACME_WINDOW"]
