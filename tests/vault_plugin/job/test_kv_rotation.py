"""The rotation of one secret in KV: clean runs of every account, the gap for readers, runs that meet, wishes."""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate

import pytest

from rotation.core.clock import StoreClock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.deployment.announcing.settings import Events
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.devices import REBOOTING
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.sandbox import USER_ID
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    HUAWEI,
    LINUX_VM,
    SECOND_USER,
    SECOND_USER_ID,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    take_turns,
)
from rotation_testkit.sandbox.vault_sandbox import VaultSandbox
from vault_plugin.job.kv_rotation import STEP_SECONDS, JobContext, KvRotation
from vault_plugin.job.schedule import Wishes

RESET = {UCLOUD: "ResetCompShareInstancePassword", HUAWEI: "PUT /v1/usg/acs/password"}


def test_a_device_that_is_left_out_of_a_batch_has_the_others_rotated_once(modelled, rotate):
    """Their rotation is over with the first attempt; another attempt would be another rotation."""
    with modelled(holding=(BATCH,)) as started:
        park, entry = started.world.tencent, started.kv.read(started.path(BATCH))
        batch = SecretDocument({key: value for key, value in entry.document.items() if key != "password"})
        started.kv.write(started.path(BATCH), batch, cas=entry.version)
        busy, *others = batch["devices"]
        park.service.devices[busy["instance_id"]].power = REBOOTING
        done = rotate(started, BATCH, attempts=3)
        assert (done.outcome, done.attempts, done.committed) == ("not_ready", 1, True)
        assert started.world.changes(BATCH) == len(others)
        stored = {
            each["instance_id"]: each["password"] for each in started.kv.read(started.path(BATCH)).document["devices"]
        }
        assert stored == {device: park.guest_password(device) for device in stored}


@pytest.mark.parametrize("account", [UCLOUD, LINUX_VM, TENCENT, VOLCENGINE, HUAWEI])
def test_a_clean_rotation_of_every_account(real, rotate, account):
    """A clean rotation sends one reset without a wrong login, stored is live, and the journal is small."""
    with real(holding=(account,)) as started:
        before = started.stored(account)
        done = rotate(started, account)
        assert done.error is None
        assert (done.outcome, done.resumed, done.attempts) == ("promoted", False, 1)
        assert started.heals(account)
        assert started.stored(account) != before
        assert (started.world.changes(account), started.world.wrong_logins(account)) == (1, 0)
        assert done.gap_seconds is not None
        assert 0 < done.gap_seconds <= done.seconds
        state = started.store(account).describe()
        assert state.current_id == done.token
        assert started.store(account).read(state.previous_id).document.password == before
        kinds = {mark.kind for version in state.versions.values() for mark in version.marks}
        assert kinds <= {Kind.INTENT, Kind.PROOF}
        assert not any("value" in fields for fields in started.journal(account)["versions"].values())


def test_what_readers_get_is_live_but_in_the_gap(modelled, rotate):
    """Reads before and after every effect return the old or the new password, and a dead one only in the gap."""
    with modelled(holding=(HUAWEI,)) as started:
        before, dead = started.stored(HUAWEI), []
        watched = Watched(started, dead)
        done = rotate(started, HUAWEI, kv=watched)
        assert done.error is None
        assert started.stored(HUAWEI) != before
        assert dead, "the vendor's change and the commit cannot be one"
        assert dead[-1] - dead[0] <= done.gap_seconds
        assert set(watched.seen) == {before.reveal(), started.stored(HUAWEI).reveal()}


def test_two_accounts_that_take_turns_leave_no_gap(real, rotate):
    """Each rotation resets the user that readers do not have; other keys stay, and a lost answer is no gap."""
    with real(holding=(VOLCENGINE,)) as started:
        path, users = started.path(VOLCENGINE), {"robot": USER_ID, SECOND_USER: SECOND_USER_ID}
        document = {**take_turns(started.world), "owner": "team"}
        started.kv.write(path, SecretDocument(document), cas=1)
        started.enroll(VOLCENGINE)
        for number, name in enumerate([SECOND_USER, "robot", SECOND_USER]):
            before = started.kv.read(path)
            if number == 1:
                started.world.volcengine.faults.add("ResetPassword", FaultKind.DROP_AFTER)
            done = rotate(started, VOLCENGINE, attempts=3)
            assert (done.outcome, done.gap_seconds, done.dead_since) == ("promoted", None, None)
            after = started.kv.read(path)
            assert (after.document["username"], after.document["owner"]) == (name, "team")
            assert after.document["alternate_username"] == before.document["username"]
            for each in (before.document, after.document):
                assert started.world.volcengine.live_password(users[each["username"]]) == each.password
            started.world.clock.sleep(86_400)


def test_a_failure_of_two_that_take_turns_says_nothing_of_a_dead_password(modelled, rotate):
    """Whatever became of the reset, readers have the account that it was not of."""
    with modelled(holding=(VOLCENGINE,)) as started:
        document = take_turns(started.world)
        started.kv.write(started.path(VOLCENGINE), SecretDocument(document), cas=1)
        started.enroll(VOLCENGINE)
        started.world.volcengine.faults.add("ResetPassword", FaultKind.DROP_AFTER)
        done = rotate(started, VOLCENGINE)
        assert (done.outcome, done.dead_since) == ("outcome_unknown", None)
        assert "dead password" not in str(done.error)


class Watched:
    """Notes when a reader would get a dead password."""

    def __init__(self, started, dead):
        self._started, self._dead, self.seen = started, dead, []

    def __getattr__(self, name):
        def call(*args, **named):
            self._look()
            answer = getattr(self._started.kv, name)(*args, **named)
            self._look()
            return answer

        return call

    def _look(self):
        stored = self._started.stored(HUAWEI)
        self.seen.append(stored.reveal())
        if stored != self._started.world.live(HUAWEI):
            self._dead.append(self._started.world.clock.now())


def test_a_path_in_a_hint_is_one_word_of_a_shell(modelled):
    """Somebody else may have made the path, and the operator copies the command."""
    with modelled(holding=(HUAWEI,)) as started:
        path, document = "apps/x; touch y", started.kv.read(started.path(HUAWEI)).document
        started.kv.write(path, document, cas=0)
        started.world.huawei.faults.add(RESET[HUAWEI], FaultKind.DROP_AFTER)
        context = JobContext(kv=started.kv, deployment=started.deployment, clock=started.world.clock)
        assert KvRotation(context=context, path=path, ordered=True).run(attempts=1).error is not None
        started.kv.write(path, document.replaced(user_id="42"), cas=1)
        started.world.clock.sleep(1000)
        done = KvRotation(context=context, path=path, ordered=True).run(attempts=1)
        assert "`lockstep vault cancel 'apps/x; touch y'`" in done.error.hint


@pytest.mark.parametrize("years", [-40, -0.001, 0.001, 40])
def test_a_date_of_the_server_that_jumps_gives_no_step_more_time(modelled, rotate, years):
    """A run's own time is the machine's, so that it never acts beyond the end that its intent tells other runs."""
    with modelled(holding=(HUAWEI,)) as started:
        clock = StoreClock(started.world.clock)

        offsets = itertools.cycle([0, 0, 0, years * 365 * 86_400])

        class Jumps(Watched):
            def _look(self):
                clock.heard(formatdate(started.world.clock.now() + next(offsets), usegmt=True), 0.0)

        done = rotate(started, HUAWEI, kv=Jumps(started, []), clock=clock)
        assert done.error is None
        assert started.heals(HUAWEI)
        intents = [each for version in started.store(HUAWEI).describe().versions.values() for each in version.intents]
        assert [each.until - each.sent <= STEP_SECONDS + 1 for each in intents] == [True]
        assert done.seconds < STEP_SECONDS


def test_two_jobs_at_once_send_one_reset(real, rotate):
    """Of two jobs on one path, one wins the lease, and the other fails or finds the rotation done."""
    with real(holding=(HUAWEI,)) as started:
        barrier = threading.Barrier(2)

        def run(_):
            barrier.wait(30)
            return rotate(started, HUAWEI, kv=started.kv, attempts=1)

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(run, range(2)))
        assert started.world.changes(HUAWEI) == 1
        assert started.world.wrong_logins(HUAWEI) == 0
        # On a busy machine one job may begin after the other has ended: it starts a rotation that is too soon. Or the
        # other ends while this one begins: its own token was never taken, which a next attempt finds out.
        late = (Reason.TOO_SOON, "not_yet_visible")
        at_once = [each for each in ended if getattr(each.error, "reason", each.outcome) not in late]
        assert {each.outcome for each in at_once} <= {
            "promoted",
            "already_done",
            "in_progress",
            "stage_conflict",
            "stage_error",
        }
        assert {each.token for each in at_once} == {at_once[0].token}
        if not started.heals(HUAWEI):
            assert rotate(started, HUAWEI).error is None
        assert started.heals(HUAWEI)
        assert started.world.changes(HUAWEI) == 1


def test_a_second_job_at_any_moment_sends_nothing(modelled, rotate):
    """A whole run of another job between any two effects of the first sends no second reset."""
    with modelled(holding=(HUAWEI,)) as started:
        counted = Fuse()
        assert rotate(started, HUAWEI, kv=counted.wrap(started.kv, ("write",))).error is None
    for number in range(1, len(counted.effects) + 1):
        with modelled(holding=(HUAWEI,)) as started:
            others = []

            def meet(_, others=others, started=started):
                others.append(rotate(started, HUAWEI))

            fuse = Fuse(number, Edge.AFTER, error=meet)
            mine = rotate(started, HUAWEI, kv=fuse.wrap(started.kv, ("write",)))
            where = f"after write {number}: {mine.outcome}, {others[0].outcome}"
            if not started.heals(HUAWEI):
                assert rotate(started, HUAWEI).error is None, where
            assert started.heals(HUAWEI), where
            assert started.world.changes(HUAWEI) == 1, where
            assert started.world.wrong_logins(HUAWEI) == 0, where


@pytest.mark.long
@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("account", [HUAWEI, VOLCENGINE])
def test_a_death_at_any_effect_heals(modelled, rotate, account, edge):
    """After a death at any read or write on the model, the next run heals once the lease is over."""
    number = 0
    while True:
        number += 1
        with modelled(holding=(account,)) as started:
            fuse = Fuse(number, edge)
            try:
                done = rotate(started, account, kv=fuse.wrap(started.kv, ("read", "write")))
            except Crash:
                done = None
            if done is not None:
                assert number > 10
                return
            started.world.clock.sleep(STEP_SECONDS + CLOCK_MARGIN + 2)
            committed = started.heals(account) and started.world.changes(account) == 1
            again = rotate(started, account)
            # After the commit the next run is a new rotation, for which a password may be too young.
            assert committed or again.error is None, f"{edge} {fuse.effects[-1]} ({number}): {again.describe()}"
            assert started.heals(account)
            assert started.world.changes(account) <= 2
            assert started.world.wrong_logins(account) <= 1


@pytest.mark.parametrize("account", [UCLOUD, HUAWEI])
def test_a_lost_reply_is_found_out_by_the_same_run(real, rotate, account):
    """The second attempt finds that the reset was applied and sends none."""
    with real(holding=(account,)) as started:
        simulator = started.world.ucloud if account == UCLOUD else started.world.huawei
        simulator.faults.add(RESET[account], FaultKind.DROP_AFTER)
        done = rotate(started, account, attempts=3)
        assert done.error is None
        assert done.attempts == 2
        assert started.heals(account)
        assert started.world.changes(account) == 1
        assert done.gap_seconds > 4


def test_a_rotation_that_failed_is_resumed_by_the_next_run(modelled, rotate):
    """The next run resumes token and candidate, and the gap counts from the first run's reset."""
    with modelled(holding=(HUAWEI,)) as started:
        started.world.huawei.faults.add(RESET[HUAWEI], FaultKind.DROP_AFTER)
        first = rotate(started, HUAWEI)
        assert first.outcome == "outcome_unknown"
        assert not started.heals(HUAWEI)
        started.world.clock.sleep(1000)
        second = rotate(started, HUAWEI)
        assert (second.error, second.resumed, second.token) == (None, True, first.token)
        assert started.heals(HUAWEI)
        assert 999 <= second.gap_seconds < 1100


def test_an_operators_edit_in_the_middle_is_not_overwritten_unseen(modelled, rotate):
    """The commit names the version that was current when the reset was decided."""
    with modelled(holding=(HUAWEI,)) as started:
        path = started.path(HUAWEI)

        def edit(_):
            entry = started.kv.read(path)
            started.kv.write(path, entry.document.replaced(note="by hand"), cas=entry.version)

        fuse = Fuse(2, Edge.AFTER, error=edit)  # after the candidate was staged, and the lease taken
        done = rotate(started, HUAWEI, kv=fuse.wrap(started.kv, ("write",)))
        assert done.error is not None
        assert started.world.changes(HUAWEI) == 0
        assert started.kv.read(path).document["note"] == "by hand"


@pytest.mark.parametrize(
    "account", [VOLCENGINE, pytest.param(HUAWEI, marks=pytest.mark.long), pytest.param(UCLOUD, marks=pytest.mark.long)]
)
def test_an_edit_after_any_read_or_write_stays(modelled, rotate, account):
    """The same run takes the edit over, or a later one does; one reset is enough."""
    for number in itertools.count(1):
        with modelled(holding=(account,)) as started:
            path = started.path(account)

            def edit(_, started=started, path=path):
                entry = started.kv.read(path)
                started.kv.write(path, entry.document.replaced(note="by hand"), cas=entry.version)

            fuse = Fuse(number, Edge.AFTER, error=edit)
            done = rotate(started, account, kv=fuse.wrap(started.kv, ("read", "write")), attempts=3)
            if not fuse.blown:
                assert number > 10
                return
            if done.outcome == "in_progress":
                started.world.clock.sleep(done.error.not_before - started.world.clock.now() + 1)
                done = rotate(started, account)
            assert done.error is None, f"{fuse.effects[-1]} ({number}): {done.describe()}"
            assert started.kv.read(path).document["note"] == "by hand"
            assert started.heals(account)
            assert started.world.wrong_logins(account) == 0


def test_a_password_that_an_operator_sets_after_any_write_ends_in_step(modelled, rotate):
    """Vendor and secret get another password by hand, and nobody can log in: dates show that the proof is older."""
    for number in itertools.count(1):
        with modelled(holding=(VOLCENGINE,)) as started:
            path, clock = started.path(VOLCENGINE), started.world.clock

            def reset(_, started=started, path=path, clock=clock):
                clock.sleep(2)
                entry = started.kv.read(path)
                by_hand = Secret("Operator-Passw0rd-1")
                started.world.volcengine.user(USER_ID).password = by_hand
                started.kv.write(path, entry.document.replaced(password=by_hand), cas=entry.version)
                clock.sleep(2)

            fuse = Fuse(number, Edge.AFTER, error=reset)
            done = rotate(started, VOLCENGINE, kv=fuse.wrap(started.kv, ("write",)), attempts=3)
            if not fuse.blown:
                assert number > 4
                return
            assert done.error is None, f"write {number}: {done.describe()}"
            assert started.heals(VOLCENGINE), f"write {number}: {done.describe()}"


def test_a_journal_beside_a_folder_of_the_same_name(modelled, rotate):
    """``apps/x`` and ``apps/x/y`` are two secrets with a journal each."""
    with modelled(holding=(UCLOUD, LINUX_VM)) as started:
        assert started.path(LINUX_VM).startswith(started.path(UCLOUD) + "/")
        for account in (UCLOUD, LINUX_VM):
            assert rotate(started, account).error is None
        assert all(started.heals(account) for account in (UCLOUD, LINUX_VM))


def test_new_passwords_keep_what_the_secret_wishes_for(modelled, rotate):
    """Length and characters narrow the vendor's rules; an impossible length is refused before the vendor is asked."""
    with modelled(holding=(UCLOUD,)) as started:
        started.wish(UCLOUD, length="25", shell_safe="true", exclude="abc")
        assert rotate(started, UCLOUD).error is None
        password = started.stored(UCLOUD).reveal()
        assert len(password) == 25
        assert not set(password) & set("abc$&'\"`\\ ")
        started.world.clock.sleep(90_000)
        started.wish(UCLOUD, length="999")
        done = rotate(started, UCLOUD)
        assert done.outcome == "policy_error"
        assert started.world.changes(UCLOUD) == 1


def test_the_window_of_a_secret_keeps_a_scheduled_run_back(modelled, rotate):
    """The window parks a scheduled run, and not one that a human ordered."""
    with modelled(holding=(UCLOUD,)) as started:
        tomorrow = time.strftime("%a", time.gmtime(started.world.clock.now() + 2 * 86_400))
        wishes = Wishes.parse({"lockstep-window": f"{tomorrow} 02:00-03:00 UTC"})
        done = rotate(started, UCLOUD, wishes=wishes, ordered=False)
        assert done.outcome == "parked"
        assert done.error.reason == "outside_window"
        assert rotate(started, UCLOUD, wishes=wishes).error is None


def test_a_secret_that_is_switched_off_is_rotated_by_order_alone(modelled, rotate):
    """``lockstep-enabled=false`` stops a scheduled run, and not one that a human ordered."""
    with modelled(holding=(UCLOUD,)) as started:
        started.wish(UCLOUD, enabled="false")
        assert rotate(started, UCLOUD, ordered=False).outcome == "rotation_not_enabled"
        assert rotate(started, UCLOUD).error is None


@pytest.mark.parametrize("document", [{}, {"driver": "nothing"}, {"driver": UCLOUD, "username": "root"}])
def test_a_document_that_is_none_is_refused_before_anything_is_asked(modelled, rotate, document):
    """A wrong document is a typed error in the report, never a traceback."""
    with modelled(holding=(UCLOUD,)) as started:
        entry = started.kv.read(started.path(UCLOUD))
        started.kv.write(started.path(UCLOUD), SecretDocument(document), cas=entry.version)
        done = rotate(started, UCLOUD)
        assert done.error.code in {"secret_document_error", "driver_not_allowed"}
        assert done.describe()["error"]["hint"]


def test_a_failure_after_the_reset_says_since_when_readers_hold_a_dead_password(modelled, rotate):
    """The report has the time of the reset; a refusal that changed nothing has none."""
    with modelled(holding=(HUAWEI, UCLOUD)) as started:
        started.world.huawei.faults.add(RESET[HUAWEI], FaultKind.DROP_AFTER)
        began = started.world.clock.now()
        done = rotate(started, HUAWEI)
        assert not started.heals(HUAWEI)
        assert began - 1 < done.dead_since <= started.world.clock.now()  # marks have whole seconds
        assert "; readers may hold a dead password since 20" in done.error.message
        assert done.describe()["dead_since"] == done.dead_since

        started.world.ucloud.faults.add(RESET[UCLOUD], FaultKind.THROTTLE)
        refused = rotate(started, UCLOUD)
        assert started.heals(UCLOUD)
        assert (refused.error is None, refused.dead_since) == (False, None)
        assert "readers" not in refused.error.message


def test_a_rotation_is_announced_with_its_path(modelled, rotate, tmp_path, monkeypatch):
    """Each event once; the commit after the value has become current."""
    place = tmp_path / "events.jsonl"
    with modelled(holding=(HUAWEI,)) as started:
        monkeypatch.setattr(
            VaultSandbox, "deployment", replace(started.deployment, events=Events(lines=str(place))), raising=True
        )
        done = rotate(started, HUAWEI)
    assert done.error is None
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert [each["kind"] for each in events] == ["staged", "sent", "proved", "committed"]
    assert {(each["secret"], each["token"]) for each in events} == {(done.path, done.token)}
