"""What a batch refuses: documents, sizes, other accounts, candidates that the vendor does not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rotation.core.document import SecretDocument, documents
from rotation.core.errors import (
    ConfigError,
    IdentityChanged,
    InProgress,
    LoginRejected,
    NotReady,
    Parked,
    PasswordRejected,
    PolicyError,
    PreconditionFailed,
    SecretDocumentError,
    StageError,
)
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.engine.account import steps
from rotation.engine.batch.members import MemberStore
from rotation.engine.result import Result
from rotation.policy import PasswordPolicy
from rotation.state import marks
from rotation.state.label_quota import MOST_MEMBERS, condensed
from rotation.state.stages import PENDING
from rotation.state.versions import Version
from rotation_testkit.fault_lab.in_memory.batch_scenario import KEY, make_batch, outcomes
from rotation_testkit.fault_lab.in_memory.scenarios import POLICY
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

STRICTER = PasswordPolicy(length=30, charsets=POLICY.charsets, name="stricter")


def test_createsecret_refuses_a_batch_of_which_nothing_can_be_rotated_now() -> None:
    """Every account is looked at and named, and nothing is staged."""
    scenario = make_batch()
    for vendor in scenario.vendors:
        vendor.obstacles = (PreconditionFailed("off"),)
    token = scenario.begin()
    with pytest.raises(PreconditionFailed) as caught:
        scenario.step(Step.CREATE, token)
    assert outcomes(caught.value) == {f"user-{n}": "precondition_failed" for n in range(3)}
    assert scenario.secret.read(token) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries[::-1],
        lambda entries: entries[:2],
        lambda entries: [*entries[:2], {**entries[2], "username": "mallory"}],
        lambda entries: [*entries[:2], {**entries[2], "tenant": "other"}],
    ],
    ids=["order", "number", "name", "tenant"],
)
def test_a_candidate_of_other_accounts_is_never_sent(change: Callable[[Any], Any]) -> None:
    """Set and order of the accounts in current and candidate must be equal, also without binding and seal."""
    scenario = make_batch().unguarded()
    token = scenario.created()
    candidate = scenario.document(PENDING)
    forged = candidate.replaced(**{KEY: change(candidate[KEY])})
    scenario.secret.put(token, forged)
    scenario.vendors.append(
        MemoryVendor(now=scenario.clock.now, initial=Secret("x"), policy=POLICY, username="mallory")
    )
    with pytest.raises(IdentityChanged):
        scenario.step(Step.SET, token)
    assert scenario.counts() == [(0, 0)] * 4
    with pytest.raises(StageError):
        scenario.step(Step.FINISH, token)


def test_accounts_are_compared_again_before_they_become_current() -> None:
    """Another account is not made current, even when all are proved, and without binding and seal."""
    scenario = make_batch().unguarded()
    token = scenario.run_to(Step.TEST)
    candidate = scenario.document(PENDING)
    entries: Any = candidate[KEY]
    scenario.secret.put(token, candidate.replaced(**{KEY: [*entries[:2], {**entries[2], "tenant": "other"}]}))
    with pytest.raises(IdentityChanged) as caught:
        scenario.step(Step.FINISH, token)
    assert outcomes(caught.value)["user-2"] == "identity_changed"
    assert scenario.secret.describe().current_id != token


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({KEY: [{"username": "user-0", "password": "a"}, {"username": "User-0", "password": "b"}]}, "twice"),
        ({KEY: [{"username": "user-0", "password": "a", "driver": "memory"}]}, "driver"),
        ({KEY: [{"username": "user-0", "password": "a"}, "user-1"]}, "not an object"),
        ({KEY: [{"username": "user-0", "password": "a"}, {"username": "user-1"}]}, f"{KEY} 2"),
        ({KEY: [], "others": [{"username": "user-0", "password": "a"}]}, "one account"),
        ({"username": "user-0", "password": "a"}, "beside"),
        ({KEY: []}, "username"),
    ],
)
def test_a_document_that_is_no_proper_batch_is_refused(changes: dict[str, object], says: str) -> None:
    """The document is refused before anything is asked or staged, and no password is quoted."""
    scenario = make_batch().unguarded()
    scenario.put(scenario.vendors, **changes)
    token = scenario.begin()
    with pytest.raises(SecretDocumentError) as caught:
        scenario.step(Step.CREATE, token)
    assert says in caught.value.message
    assert scenario.secret.read(token) is None


def test_a_batch_that_may_not_fit_is_refused_before_anything() -> None:
    """One account more than there is room for."""
    scenario = make_batch(MOST_MEMBERS + 1)
    token = scenario.begin()
    with pytest.raises(ConfigError) as caught:
        scenario.step(Step.CREATE, token)
    assert str(MOST_MEMBERS) in caught.value.message
    assert "observe" not in scenario.fuse.effects
    assert scenario.secret.read(token) is None


def test_labels_of_the_operator_take_room() -> None:
    """The operator's labels are counted before anything is staged."""
    scenario = make_batch(5)
    scenario.secret.put("other", SecretDocument({}), *(f"blue-{n}" for n in range(8)))
    with pytest.raises(ConfigError) as caught:
        scenario.step(Step.CREATE, scenario.begin())
    assert "room for a batch of 4, not of 5" in caught.value.message


def test_the_largest_batch_fits_after_everything_that_leaves_labels() -> None:
    """A current and a cancelled version with all their marks; the store would refuse the twenty-first label."""
    scenario = make_batch(MOST_MEMBERS, asynchronous=True, delay_seconds=30.0)
    scenario.rotate(scenario.begin())
    cancelled = scenario.run_to(Step.SET)
    scenario.forget_proof(cancelled)
    now = scenario.clock.now()
    for number in range(MOST_MEMBERS):
        notes = [marks.rejected(1, now), marks.parked("account_locked", now + 600)]
        scenario.secret.attach(marks.member(number, notes).on(cancelled), cancelled)
    scenario.secret.detach(PENDING, cancelled)
    current = str(scenario.secret.describe().current_id)
    scenario.secret.attach(marks.rejected(1, scenario.clock.now()).on(current), current)
    token = scenario.begin()
    with pytest.raises(Parked) as parked:
        scenario.step(Step.CREATE, token)
    assert parked.value.reason == "account_locked"
    scenario.clock.sleep(1200)
    for step in Step:
        scenario.step(step, token)
    assert scenario.passwords() == scenario.live()
    assert not [label for label in scenario.labels() if ":member:" in label]


def test_what_matters_of_a_cancelled_batch_outlives_its_labels() -> None:
    """A few labels keep the wrong logins and the lock of all accounts, and a reset that an earlier release noted."""
    labels = [
        marks.member(0, [marks.intent(100), marks.rejected(1, 50), marks.proof(Evidence.LOGIN)]),
        marks.member(1, [marks.intent(90), marks.rejected(2, 60), marks.parked("account_locked", 400)]),
        marks.member(2, [marks.task("7"), marks.parked("back_off", 900), marks.unsent("7f3a")]),
    ]
    version = Version.from_labels("v", (label.on("v") for label in labels))
    kept = [marks.intent(100), marks.rejected(2, 60)]
    assert condensed(version, current=False) == [*kept, marks.parked("account_locked", 400)]
    assert condensed(version, current=True) == kept
    assert condensed(Version.from_labels("v", {marks.intent(5).on("v")}), current=True) == []


def test_an_account_whose_candidate_is_refused_keeps_no_other_one_back() -> None:
    """The first is refused before the others are sent: they become current, and the candidate is over."""
    scenario = make_batch()
    token = scenario.created()
    scenario.vendors[0].policy = STRICTER
    with pytest.raises(PasswordRejected) as caught:
        scenario.step(Step.SET, token)
    assert outcomes(caught.value) == {"user-0": "password_rejected", "user-1": "current", "user-2": "current"}
    assert scenario.counts() == [(0, 1), (1, 0), (1, 0)]  # one login makes sure that it was not applied
    assert scenario.passwords() == scenario.live()
    assert scenario.secret.describe().holder(PENDING) is None


def test_a_candidate_of_which_every_password_is_refused_is_released() -> None:
    """It will never be current; the next rotation makes another one."""
    scenario = make_batch()
    token = scenario.created()
    for vendor in scenario.vendors:
        vendor.policy = STRICTER
    with pytest.raises(PasswordRejected):
        scenario.step(Step.SET, token)
    assert scenario.counts() == [(0, 0)] * 3
    assert scenario.secret.describe().holder(PENDING) is None


def test_a_candidate_refused_after_others_were_sent_is_kept_until_they_are_proved() -> None:
    """The refused account waits longer each time; once the others are current, the next rotation fits all of them."""
    scenario = make_batch(asynchronous=True, delay_seconds=6000.0)
    token = scenario.created()
    scenario.vendors[1].policy = STRICTER
    waits: list[float] = []
    for _ in range(2):
        with pytest.raises(PasswordRejected) as caught:
            scenario.step(Step.SET, token)
        assert outcomes(caught.value) == {f"user-{n}": "in_progress" for n in (0, 2)} | {"user-1": "password_rejected"}
        with pytest.raises(InProgress) as again:
            scenario.step(Step.SET, token)
        assert "parked: candidate refused" in again.value.message
        until = scenario.secret.describe().seen_by(1).version(token).parked
        assert until is not None
        waits.append(until[1] - scenario.clock.now())
        scenario.clock.sleep(waits[-1])
    assert 2400 > waits[1] > waits[0] > 500
    scenario.clock.sleep(4000)
    assert scenario.secret.describe().holder(PENDING) == token
    with pytest.raises(PasswordRejected) as ended:
        scenario.step(Step.SET, token)
    assert outcomes(ended.value) == {"user-0": "current", "user-1": "password_rejected", "user-2": "current"}
    assert scenario.secret.describe().holder(PENDING) is None
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(1, 0), (0, 3), (1, 0)]  # a login each time makes sure that it was not applied


def test_a_trial_resets_nothing() -> None:
    """A test-only invocation looks at each account's current password, and names one that does not work."""
    scenario = make_batch()
    token = scenario.begin()
    assert scenario.step(Step.TEST, token).outcome == "current_verified"
    scenario.vendors[1].set_by_hand(Secret("Changed0By0Hand0Pass"))
    with pytest.raises(LoginRejected) as caught:
        scenario.step(Step.TEST, token)
    assert outcomes(caught.value) == {
        "user-0": "current_verified",
        "user-1": "login_rejected",
        "user-2": "current_verified",
    }
    assert [vendor.resets for vendor in scenario.vendors] == [0, 0, 0]


@pytest.mark.parametrize("step", [Step.TEST, Step.FINISH])
def test_a_half_sent_batch_is_neither_proved_nor_made_current(step: Step) -> None:
    """A step that comes before its time says which account was not sent."""
    scenario = make_batch()
    token = scenario.created()
    scenario.vendors[2].obstacles = (PreconditionFailed("off"),)
    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)
    with pytest.raises(NotReady) as caught:
        scenario.step(step, token)
    assert outcomes(caught.value)["user-2"] == "not_ready"
    assert scenario.secret.describe().current_id != token


def test_an_account_is_neither_staged_nor_made_current_alone() -> None:
    """Its store lacks the verbs that only the batch may use."""
    scenario = make_batch()
    session, accounts = scenario.session("t"), documents(scenario.document(), KEY)
    store = MemberStore(session, KEY, 0, session.bind(accounts[0], accounts))
    for verb in ("stage", "promote", "settle", "acquire", "yield_lease", "end"):
        assert not hasattr(store, verb)


def test_no_two_accounts_get_the_same_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that repeats itself is refused before anything is staged."""
    scenario = make_batch()
    token = scenario.begin()
    same = documents(scenario.document(), KEY)[0]

    def prepare(*_: object) -> tuple[SecretDocument, Result]:
        return same, Result(outcome="staged")

    monkeypatch.setattr(steps, "prepare", prepare)
    with pytest.raises(PolicyError):
        scenario.step(Step.CREATE, token)
    assert scenario.secret.read(token) is None
