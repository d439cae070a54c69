"""All that is due: found by schedule, rotated a few at a time, at each vendor account's pace, with an exit code."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import RateLimited
from rotation.core.process import stop
from rotation.core.secret import Secret
from rotation.stores.vault_kv import HvacKv
from rotation_testkit.doubles.vault import acl
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, VOLCENGINE
from vault_plugin.job.due_secrets import DueSecretsJob

DAY = 86_400.0


ALL = (UCLOUD, HUAWEI, VOLCENGINE)


EVERY = {"lockstep-every": "30d"}


@pytest.fixture
def due_secrets():
    """Return a function that makes the job for a world."""

    def make(started, **choices) -> DueSecretsJob:
        @contextmanager
        def connect(seconds):
            del seconds
            yield started.kv

        return DueSecretsJob(connect=connect, deployment=started.deployment, clock=started.world.clock, **choices)

    return make


def test_only_what_has_its_turn_is_rotated(modelled, due_secrets):
    """The age of the current value counts; secrets that are off or without a schedule are left alone."""
    with modelled(holding=ALL) as started:
        started.wish(UCLOUD, every="30d")
        started.wish(HUAWEI, every="60d")
        started.wish(VOLCENGINE, every="1d", enabled="false")
        made = due_secrets(started)
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


def test_what_ends_after_the_run_was_stopped_at_once_is_kept(modelled, due_secrets):
    """A rotation that runs beside the one that was yielded last may commit; its readers must hear of it, too."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = due_secrets(started, jobs=3)
        plan = made.plan(started.folder)
        running = made.run(plan)
        first = next(running)
        with pytest.raises(stop.Halted):
            running.throw(stop.Halted())
        assert {first.path, *(each.path for each in made.late)} == {each.path for each in plan.due}
        assert all(each.committed for each in made.late)


@pytest.mark.parametrize("kept", [0, 2, 1])
@pytest.mark.parametrize("rotated", [True, False])
def test_edits_of_other_keys_do_not_postpone_a_rotation(modelled, due_secrets, rotate, rotated, kept):
    """The age of the password counts, also where the versions that show it are gone; a change by hand counts again."""
    with modelled(holding=(VOLCENGINE,)) as started:
        path = started.path(VOLCENGINE)
        started.kv.configure(path, max_versions=kept, custom={**started.kv.metadata(path).custom, **EVERY})
        if rotated:
            assert rotate(started, VOLCENGINE).error is None
        job, age = due_secrets(started), 0
        while age < 29:
            started.world.clock.sleep(DAY)
            age += 1
            edit(started, path, note=f"edited on day {age}")
        assert job.plan(started.folder).due == ()
        started.world.clock.sleep(2 * DAY)
        assert [each.path for each in job.plan(started.folder).due] == [path]

        edit(started, path, password="by hand")
        seen = job.plan(started.folder)
        assert (len(seen.due), seen.waiting) == ((0, 1) if kept != 1 else (1, 0))  # one version alone shows no change


def edit(started, path, **fields):
    """Write a secret with other fields, as an operator does."""
    entry = started.kv.read(path)
    started.kv.write(path, entry.document.replaced(**fields), cas=entry.version)


def test_a_forbidden_path_does_not_keep_the_others_back(real, due_secrets, openbao, corner):
    """A folder that may not be listed and an entry that may not be looked at have their own reports."""
    with real(holding=ALL, custom=EVERY) as started:
        for name in ("closed/a", "apps/hidden"):
            started.kv.write(f"{started.folder}/{name}", SecretDocument({"no": "driver"}), cas=0)
        rules = {
            f"secret/data/{started.folder}/*": ["create", "read", "update"],
            f"secret/metadata/{started.folder}/*": ["list", "read"],
            f"secret/metadata/{started.folder}/closed/": ["deny"],
            f"secret/metadata/{started.folder}/apps/hidden": ["deny"],
        }
        openbao.client().sys.create_or_update_policy(corner, acl.written(rules))
        token = openbao.client().auth.token.create(policies=[corner])["auth"]["client_token"]
        allowed = replace(started, kv=HvacKv(openbao.client(Secret(token)), "secret"))
        plan = due_secrets(allowed).plan(started.folder)
        found = {each.path.removeprefix(f"{started.folder}/"): each.outcome for each in plan.faulty}
        assert found == {"closed/": "store_denied", "apps/hidden": "store_denied"}
        assert plan.waiting == len(ALL)


def test_an_unfinished_rotation_goes_first(modelled, due_secrets, rotate):
    """Readers may be waiting for it, so it does not wait for its next turn."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = due_secrets(started, jobs=1)
        assert [each.error for each in made.run(made.plan(started.folder))] == [None] * 3
        started.world.clock.sleep(DAY)
        started.world.huawei.faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
        assert rotate(started, HUAWEI).error is not None
        started.world.clock.sleep(130)
        plan = made.plan(started.folder)
        assert [(each.path, each.since) for each in plan.due] == [(started.path(HUAWEI), 0.0)]
        assert [each.resumed for each in made.run(plan)] == [True]
        assert started.heals(HUAWEI)


def test_one_fault_does_not_keep_the_others_back(modelled, due_secrets):
    """A misspelt key and a wrong document have their own reports, and the other secrets are rotated."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        started.kv.configure(started.path(VOLCENGINE), custom={"lockstep-evry": "30d"})
        started.kv.configure(f"{started.folder}/apps/broken", custom=EVERY)
        started.kv.write(f"{started.folder}/apps/broken", SecretDocument({"no": "driver"}), cas=0)
        started.world.clock.sleep(31 * DAY)
        made = due_secrets(started, attempts=1)
        ended = {each.path.rpartition("/")[2]: each.outcome for each in made.run(made.plan(started.folder))}
        assert ended == {
            UCLOUD: "promoted",
            HUAWEI: "promoted",
            VOLCENGINE: "settings_error",
            "broken": "secret_document_error",
        }


class Odd:
    """A mount that answers in a way which nobody has thought of, wherever one path is read."""

    def __init__(self, kv, path):
        self._kv, self._path = kv, path

    def __getattr__(self, name):
        return getattr(self._kv, name)

    def read(self, path, *versions):
        """Read an entry."""
        if path == self._path:
            raise KeyError("canary")
        return self._kv.read(path, *versions)


@pytest.mark.parametrize("place", ["", ".lockstep"])
def test_what_nobody_has_thought_of_keeps_no_other_secret_back(modelled, due_secrets, place):
    """An error of our own is the report of its secret, without its text."""
    with modelled(holding=(UCLOUD, HUAWEI), custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made, odd = due_secrets(started, attempts=1), Odd(started.kv, started.path(HUAWEI) + place)

        @contextmanager
        def connect(_):
            yield odd

        plan = made.plan(started.folder)
        made.connect = connect
        ended = {each.path: each for each in made.run(plan)}
        assert {path: each.outcome for path, each in ended.items()} == {
            started.path(UCLOUD): "promoted",
            started.path(HUAWEI): "internal_error",
        }
        assert "canary" not in str(ended[started.path(HUAWEI)].describe())


def test_a_throttled_vendor_account_is_left_in_peace(modelled, due_secrets):
    """The next rotation of a throttled account begins half a minute later."""
    with modelled(holding=(UCLOUD,), custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = due_secrets(started, attempts=1)
        started.world.ucloud.faults.add("ResetCompShareInstancePassword", FaultKind.THROTTLE, times=9)
        ended = list(made.run(made.plan(started.folder)))
        assert isinstance(ended[0].error, RateLimited)
        assert made._pace.delay(started.admin_path(UCLOUD)) > 25


def test_a_rotation_that_could_not_end_in_time_is_not_begun(modelled, due_secrets):
    """A rotation that could not end before a function's time-out is left to the next run."""
    with modelled(holding=(HUAWEI,), custom=EVERY) as started:
        started.world.clock.sleep(31 * DAY)
        made = replace(due_secrets(started), time_left=lambda: 60.0)
        ended = list(made.run(made.plan(started.folder)))
        assert [each.outcome for each in ended] == ["not_enough_time"]
        assert started.world.changes(HUAWEI) == 0
