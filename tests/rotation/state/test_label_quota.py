"""Labels are few, 20 in a secret: no reset is sent that might find none for what must be written down."""

from contextlib import suppress

import pytest

from rotation.core.errors import ConfigError, StoreFull
from rotation.core.values import Evidence, Lockout, Power, Step
from rotation.doctor.dry_run import Status, rehearse
from rotation.drivers.guarded import DEFAULT_LOCKOUT
from rotation.state import marks
from rotation.state.label_quota import MOST_LABELS, NEEDED_LABELS
from rotation_testkit.fault_lab.in_memory.batch_scenario import make_batch
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Fuse
from rotation_testkit.fault_lab.in_memory.scenarios import make_scenario

WEEK = 7 * 86_400


def labels(scenario):
    """Return every label of the secret."""
    return set().union(*(version.labels for version in scenario.secret.describe().versions.values()))


def cancelled(scenario, times, *, attempts=2, apart=WEEK):
    """Let so many rotations fail after their reset, each cancelled as AWS's guide says: by taking AWSPENDING away."""
    scenario.vendor.task_fails = True
    for _ in range(times):
        token = scenario.begin()
        scenario.rotate(token, attempts=attempts)
        scenario.strip_pending(token)
        scenario.clock.sleep(apart)
    scenario.vendor.task_fails = False


@pytest.mark.parametrize("kind", ["admin", "machine", "self"])
@pytest.mark.parametrize("times", [1, 3, 4, 5, 6])
def test_rotations_that_were_cancelled_end_in_a_rotation_or_before_its_reset(kind, times):
    """The rotation ends in a promotion or before its reset; current is live and the machine runs."""
    scenario = make_scenario(kind, min_age_seconds=0)
    assert scenario.rotate(scenario.begin()) == []
    cancelled(scenario, times)
    before = scenario.vendor.resets

    failures = scenario.rotate(scenario.begin(), attempts=6)

    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.power in (None, Power.RUNNING)
    assert failures == [] or (set(failures) == {"store_full", "gave up"} and scenario.vendor.resets == before)
    assert failures == [] or times > 3


def test_what_is_over_makes_room():
    """Wrong logins of days ago and parkings that have ended go; what may be live stays written down."""
    scenario = make_scenario("admin")
    assert scenario.rotate(scenario.begin()) == []
    cancelled(scenario, 3)
    with_labels(scenario, 1)
    intents = {label for label in labels(scenario) if ":intent:" in label}
    scenario.step(Step.CREATE, scenario.begin())

    assert {label for label in labels(scenario) if ":intent:" in label} == intents
    assert not [label for label in labels(scenario) if ":parked:" in label or ":failed:" in label]


def test_a_full_secret_names_the_moment_when_there_is_room():
    """The error names the end of the account's window for wrong logins; nothing is staged or sent."""
    scenario = make_scenario("admin")
    for number in range(MOST_LABELS - NEEDED_LABELS):
        charge = marks.rejected(1, scenario.clock.now(), run=str(number))
        scenario.secret.attach(charge.on("version-0"), "version-0")
    token = scenario.begin()
    with pytest.raises(StoreFull) as full:
        scenario.step(Step.CREATE, token)

    assert full.value.not_before == scenario.clock.now() + DEFAULT_LOCKOUT.window_seconds
    assert scenario.secret.read(token) is None
    assert scenario.vendor.resets == 0
    scenario.clock.sleep(DEFAULT_LOCKOUT.window_seconds + 1)
    assert scenario.rotate(token) == []


def test_labels_of_ones_own_may_take_what_is_left():
    """As many labels as leave room for a rotation's own are accepted; one more is refused before anything changes."""
    for more, ended in ((0, []), (1, ["store_full"])):
        scenario = make_scenario("admin")
        with_labels(scenario, MOST_LABELS - NEEDED_LABELS - 3 + more)
        assert scenario.rotate(scenario.begin(), attempts=1)[:1] == ended


def test_a_batch_is_asked_once_for_all():
    """A batch counts its labels once, before anything is staged."""
    scenario = make_batch()
    with_labels(scenario, 9)
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.passwords() == scenario.live()


def rehearsed(scenario):
    """Return what a dry run says about labels."""
    (found,) = (check for check in rehearse(scenario.session("")) if check.name == "labels")
    return found


def fits(scenario, refusal):
    """Tell whether createSecret finds the labels that it asks for."""
    try:
        scenario.step(Step.CREATE, scenario.begin())
    except refusal:
        return False
    return True


def with_labels(scenario, number):
    """Put labels of one's own on current, as many as fit."""
    current = scenario.secret.describe().current_id
    with suppress(StoreFull):
        for each in range(number):
            scenario.secret.attach(f"mine-{each}", current)


@pytest.mark.parametrize("own", range(MOST_LABELS + 1))
@pytest.mark.parametrize("history", ["none", "rotated", "cancelled"])
def test_a_dry_run_says_ready_exactly_when_a_rotation_finds_its_labels(own, history):
    """Also where labels are counted that the rotation frees; what is called ready goes through to the end."""
    scenario = make_scenario("admin")
    if history != "none":
        assert scenario.rotate(scenario.begin()) == []
    if history == "cancelled":
        cancelled(scenario, 2)
    with_labels(scenario, own)
    before = labels(scenario)
    ready = rehearsed(scenario).status is Status.READY

    assert labels(scenario) == before
    assert fits(scenario, StoreFull) == ready
    assert not ready or scenario.rotate(scenario.begin()) == []


@pytest.mark.parametrize("own", range(MOST_LABELS + 1))
@pytest.mark.parametrize("accounts", [1, 3])
@pytest.mark.parametrize("history", ["none", "rotated", "carried"])
def test_a_dry_run_of_a_batch_counts_as_its_rotation_does(own, accounts, history):
    """The batch's count depends on its size; wrong logins of days ago are freed."""
    scenario = make_batch(accounts)
    if history != "none":
        assert scenario.rotate(scenario.begin()) == []
        scenario.clock.sleep(WEEK)
    if history == "carried":
        current = scenario.secret.describe().current_id
        for run in "abc":
            charge = marks.rejected(1, scenario.clock.now() - 2 * 86_400, run=run)
            scenario.secret.attach(charge.on(current), current)
    with_labels(scenario, own)
    ready = rehearsed(scenario).status is Status.READY

    assert fits(scenario, ConfigError) == ready
    assert not ready or scenario.rotate(scenario.begin()) == []


@pytest.mark.parametrize("own", [8, 9, 10])
def test_a_dry_run_counts_for_the_rotation_that_is_resumed(own):
    """An unfinished rotation's labels are its own, and the pending stage on a promoted version is a left-over."""
    for promoted in (False, True):
        scenario = make_scenario("admin")
        token = scenario.created()
        if promoted:
            scenario.secret.move("AWSCURRENT", source="version-0", target=token)
        scenario.secret.attach(marks.failed(2).on(token), token)
        with_labels(scenario, own - 3)
        found = rehearsed(scenario)
        assert (found.status is Status.READY) == (own <= MOST_LABELS - NEEDED_LABELS)
        if promoted:
            assert fits(scenario, StoreFull) == (found.status is Status.READY)


def counted(scenario, window):
    """Return how many wrong logins count within the window."""
    return scenario.secret.describe().wrong_logins(since=scenario.clock.now() - window)[0]


@pytest.mark.parametrize("full", [False, True])
def test_a_wrong_login_counts_as_long_as_the_accounts_own_window(full):
    """One of two days ago outlasts createSecret and finishSecret where a window of a week was stated."""
    scenario = make_scenario("admin", lockout=Lockout(tries=4, window_seconds=WEEK))
    charge = marks.rejected(1, scenario.clock.now() - 2 * 86_400)
    scenario.secret.attach(charge.on("version-0"), "version-0")
    with_labels(scenario, MOST_LABELS - NEEDED_LABELS - 3 if full else 0)
    if full:
        assert rehearsed(scenario).status is Status.WAITS
        with pytest.raises(StoreFull) as refused:
            scenario.step(Step.CREATE, scenario.begin())
        assert refused.value.not_before == scenario.clock.now() + WEEK - 2 * 86_400
    else:
        assert scenario.rotate(scenario.begin()) == []
    assert counted(scenario, WEEK) == 1


def test_a_batch_frees_no_wrong_login_that_counts():
    """Its setSecret makes room by the window of its accounts, too."""
    scenario = make_batch(lockout=Lockout(tries=4, window_seconds=WEEK))
    current = scenario.secret.describe().current_id
    charge = marks.rejected(1, scenario.clock.now() - 2 * 86_400)
    scenario.secret.attach(charge.on(current), current)
    assert scenario.rotate(scenario.begin()) == []
    assert counted(scenario, WEEK) == 1


def test_killed_runs_and_labels_of_ones_own_do_not_end_rotations():
    """Four labels of the user's, and a setSecret that was delivered twice and killed both times, then cancelled."""
    scenario = make_scenario("admin")
    assert scenario.rotate(scenario.begin()) == []
    with_labels(scenario, 4)
    scenario.clock.sleep(WEEK)
    token = scenario.created()
    for _ in range(2):
        scenario.fuse = Fuse(only="set_password", at=1)
        with pytest.raises(Crash):
            scenario.step(Step.SET, token)
        scenario.fuse = Fuse()
        scenario.clock.sleep(100)
    scenario.strip_pending(token)
    scenario.clock.sleep(WEEK)

    assert rehearsed(scenario).status is Status.READY
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.password() == scenario.vendor.live


def dead_runs(scenario, number):
    """Leave the intents of so many dead runs on a cancelled version, as slow writes do, and a proof that is void."""
    token = scenario.created()
    scenario.strip_pending(token)
    base = str(scenario.secret.describe().previous_id)
    scenario.secret.put(token, scenario.secret.read(token).document, "mine")
    for each in range(number):
        now = scenario.clock.now() + 100 * each
        scenario.secret.attach(marks.intent(now, until=now + 60, run=f"{each}" * 8, base=base).on(token), token)
    scenario.secret.attach(marks.proof(Evidence.READBACK).on(token), token)
    return token


def test_what_only_dead_runs_left_is_freed_once_it_counts_no_more():
    """Of several announcements the latest stays, since its reset may have been applied; a proof that is void goes."""
    scenario = make_scenario("admin")
    assert scenario.rotate(scenario.begin()) == []
    token = dead_runs(scenario, 5)
    with_labels(scenario, 3)
    scenario.clock.sleep(500)
    with pytest.raises(StoreFull) as early:
        scenario.step(Step.CREATE, scenario.begin())
    assert scenario.clock.now() < early.value.not_before < scenario.clock.now() + 700

    scenario.clock.move_to(early.value.not_before)
    assert fits(scenario, StoreFull)
    left = scenario.secret.describe().version(token)
    assert [each.run for each in left.intents] == ["4" * 8]
    assert left.proof is None
