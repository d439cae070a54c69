"""All that is due: found by schedule, rotated a few at a time, at each vendor account's pace, with an exit code."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rotation.cli.app import run as lockstep
from rotation.core.document import SecretDocument
from rotation.core.errors import RateLimited
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, VOLCENGINE
from vault_plugin.job.due_secrets import DueSecretsJob
from vault_plugin.job.pace import Pace
from vault_plugin.job.schedule import walk

DAY = 86_400.0
ALL = (UCLOUD, HUAWEI, VOLCENGINE)
EVERY = {"lockstep-every": "30d"}


@pytest.fixture
def fleet():
    """Make the job for a world."""

    def make(started, **choices) -> DueSecretsJob:
        @contextmanager
        def connect(seconds):
            del seconds
            yield started.kv

        return DueSecretsJob(connect=connect, deployment=started.deployment, clock=started.world.clock, **choices)

    return make


def test_only_what_has_its_turn_is_rotated(modelled, fleet):
    """By the age of the current value, whoever wrote it; what is off or without a schedule is left alone."""
    with modelled(holding=ALL) as started:
        started.wish(UCLOUD, every="30d")
        started.wish(HUAWEI, every="60d")
        started.wish(VOLCENGINE, every="1d", enabled="false")
        made = fleet(started)
        folder = f"{started.folder}/apps"
        plan = made.plan(folder)
        assert (plan.due, plan.waiting, plan.off) == ((), 2, 1)
        started.world.clock.sleep(31 * DAY)
        plan = made.plan(folder)
        assert ([each.path for each in plan.due], plan.waiting, plan.off) == ([started.path(UCLOUD)], 1, 1)
        assert [each.outcome for each in made.run(plan)] == ["promoted"]
        plan = made.plan(folder)
        assert (plan.due, plan.waiting, plan.off) == ((), 2, 1)
        started.world.clock.sleep(31 * DAY)
        plan = made.plan(f"/{folder}/")
        assert [each.path for each in plan.due] == [started.path(HUAWEI), started.path(UCLOUD)]


def test_an_unfinished_rotation_goes_first(modelled, fleet, rotate):
    """Readers may be waiting for it, so it does not wait for its next turn."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = fleet(started, jobs=1)
        assert [each.error for each in made.run(made.plan(started.folder))] == [None] * 3
        started.world.clock.sleep(DAY)
        started.world.huawei.faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
        assert rotate(started, HUAWEI).error is not None
        started.world.clock.sleep(130)
        plan = made.plan(started.folder)
        assert [(each.path, each.since) for each in plan.due] == [(started.path(HUAWEI), 0.0)]
        assert [each.resumed for each in made.run(plan)] == [True]
        assert started.heals(HUAWEI)


def test_one_fault_does_not_keep_the_others_back(modelled, fleet):
    """A misspelt wish, a document that is none, and a vendor that is down are each told by their own record."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        started.kv.configure(started.path(VOLCENGINE), custom={"lockstep-evry": "30d"})
        started.kv.configure(f"{started.folder}/apps/broken", custom=EVERY)
        started.kv.write(f"{started.folder}/apps/broken", SecretDocument({"no": "driver"}), cas=0)
        started.world.clock.sleep(31 * DAY)
        made = fleet(started, attempts=1)
        ended = {each.path.rpartition("/")[2]: each.outcome for each in made.run(made.plan(started.folder))}
        assert ended == {
            UCLOUD: "promoted",
            HUAWEI: "promoted",
            VOLCENGINE: "settings_error",
            "broken": "secret_document_error",
        }


def test_a_deleted_secret_and_a_journal_are_no_secrets(modelled):
    """A walk yields what can be rotated, in every depth."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.store(HUAWEI).begin("t")
        started.kv.configure(started.path(HUAWEI) + ".lockstep", custom=EVERY)
        started.kv.delete(started.path(UCLOUD))
        deep = f"{started.folder}/apps/a/b/c"
        started.kv.configure(deep, custom=EVERY)
        started.kv.write(deep, SecretDocument({"driver": "x"}), cas=0)
        found = {each.path: each.has_journal for each in walk(started.kv, started.folder)}
        assert found == {deep: False, started.path(HUAWEI): True, started.path(VOLCENGINE): False}


def test_rotations_of_one_vendor_account_begin_apart():
    """However many threads ask; other accounts do not wait."""
    clock = VirtualClock()
    pace = Pace(30.0, clock=clock)
    assert [pace.delay("a") for _ in range(3)] == [0.0, 2.0, 4.0]
    assert pace.delay("b") == 0.0
    clock.sleep(100)
    assert pace.delay("a") == 0.0
    pace.hold("a", 30.0)
    assert pace.delay("a") == 30.0
    pace.hold("a", 1.0)
    assert pace.delay("a") == 32.0


def test_a_throttled_vendor_account_is_left_in_peace(modelled, fleet):
    """The next rotation of it begins half a minute later."""
    with modelled(holding=(UCLOUD,), custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = fleet(started, attempts=1)
        started.world.ucloud.faults.add("ResetCompShareInstancePassword", FaultKind.THROTTLE, times=9)
        ended = list(made.run(made.plan(started.folder)))
        assert isinstance(ended[0].error, RateLimited)
        assert made._pace.delay(started.admin_path(UCLOUD)) > 25


def test_a_rotation_that_could_not_end_in_time_is_not_begun(modelled, fleet):
    """As in a function with a time-out; the next run takes it."""
    with modelled(holding=(HUAWEI,), custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = replace(fleet(started), time_left=lambda: 60.0)
        ended = list(made.run(made.plan(started.folder)))
        assert [each.outcome for each in ended] == ["not_enough_time"]
        assert started.world.changes(HUAWEI) == 0


@pytest.fixture
def cli(real, openbao, monkeypatch, capsys):
    """Run ``lockstep vault`` against the server; return exit code, standard output and standard error."""

    @contextmanager
    def at(**wishes):
        with real(**wishes) as started:
            environment = started.environment() | {
                "VAULT_ADDR": openbao.address,
                "VAULT_TOKEN": openbao.root_token.reveal(),
            }
            for name, value in environment.items():
                monkeypatch.setenv(name, value)

            def run(*arguments):
                code = lockstep(["vault", *arguments])
                return code, *capsys.readouterr()

            yield started, run

    return at


def test_one_secret_from_the_command_line(cli):
    """Exit code 0, the gap in the table, and one JSON object on demand."""
    with cli(holding=(VOLCENGINE,)) as (started, run):
        code, out, err = run("rotate", started.path(VOLCENGINE))
        assert (code, started.heals(VOLCENGINE)) == (0, True)
        assert "gap for readers" in out
        assert "promoted" in out
        assert "setSecret: sent" in err
        code, out, err = run("rotate", started.path(VOLCENGINE), "--json")
        record = json.loads(out)
        assert (code, err, record["outcome"], record["path"]) == (0, "", "promoted", started.path(VOLCENGINE))
        assert record["gap_ms"] >= 0
        assert started.world.changes(VOLCENGINE) == 2


def test_a_missing_secret_fails_and_a_young_password_is_parked(cli):
    """Exit codes 1 and 3, with a hint."""
    with cli(holding=(HUAWEI,)) as (started, run):
        code, _, err = run("rotate", f"{started.folder}/nothing")
        assert (code, "secret_not_found" in err, "hint" in err) == (1, True, True)
        assert run("rotate", started.path(HUAWEI))[0] == 0
        code, out, _ = run("rotate", started.path(HUAWEI), "--json")
        assert (code, json.loads(out)["error"]["reason"]) == (3, "too_soon")


def test_everything_due_from_the_command_line(cli):
    """Nothing is due at first; later one JSON line for each rotation and a summary."""
    with cli(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "5m"}) as (started, run):
        folder = f"--prefix={started.folder}/apps"
        code, out, err = run("run", folder)
        assert (code, out) == (0, "")
        assert "0 due, 2 waiting, 0 off" in err
        for account in (HUAWEI, VOLCENGINE):
            started.wish(account, every="5m", enabled="true")
        started.kv.configure(started.path(HUAWEI), custom={"lockstep-evry": "1h"})
        code, out, _ = run("run", folder, "--json")
        records = [json.loads(line) for line in out.splitlines()]
        assert code == 1
        assert [(each["event"], each.get("outcome")) for each in records] == [
            ("rotation", "settings_error"),
            ("summary", None),
        ]
        assert run("run", folder, "--dry-run", "--json")[0] == 1


def test_wrong_usage(cli):
    """Exit code 2."""
    with cli(holding=(HUAWEI,)) as (_, run):
        assert run("rotate")[0] == 2
        assert run("run", "--jobs=0")[0] == 2
