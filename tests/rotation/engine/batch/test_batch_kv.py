"""A batch in KV version 2, where marks and candidate live in a journal beside the secret."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from rotation.core.document import documents
from rotation.core.errors import Parked, PreconditionFailed, RotationError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.engine.run import run
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.batch_scenario import KEY, BatchScenario, make_batch
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse, lost_answer


def rotate(scenario: BatchScenario, kv: Kv2 | Any, token: str) -> list[str]:
    """Run the four steps as a job does, again after each failure; return the failures' codes."""
    failures: list[str] = []
    for _ in range(5):
        store = VaultKv(kv, "app", clock=scenario.clock)
        token = store.begin(token)
        try:
            for step in Step:
                run(replace(scenario.session(token), store=store), step)
        except RotationError as error:
            failures.append(error.code)
            scenario.clock.sleep(600)
            scenario.vendors[1].obstacles = ()
        else:
            return failures
    return [*failures, "gave up"]


def stored(kv: Kv2) -> list[Secret]:
    """The passwords that readers get."""
    entry = kv.read("app")
    assert entry is not None
    assert entry.document is not None
    return [each.password for each in documents(entry.document, KEY)]


def test_a_batch_rotates_in_a_kv_secret() -> None:
    """The batch rotates twice, once with an account that holds it up; no account is reset twice for one token."""
    scenario = make_batch(asynchronous=True, delay_seconds=12.0)
    kv = Kv2(now=scenario.clock.now)
    kv.write("app", scenario.document(), cas=0)
    assert rotate(scenario, kv, "token-1") == []
    assert stored(kv) == scenario.live()
    scenario.clock.sleep(60)
    store = VaultKv(kv, "app", clock=scenario.clock)
    token = store.begin("token-2")
    run(replace(scenario.session(token), store=store), Step.CREATE)
    scenario.vendors[1].obstacles = (PreconditionFailed("off"),)
    assert rotate(scenario, kv, token) == ["precondition_failed"]
    assert stored(kv) == scenario.live()
    assert scenario.counts() == [(2, 0)] * 3


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4])
def test_what_is_proved_becomes_current_beside_a_device_that_stays_broken(at) -> None:
    """Also if the server's answer to any write about it is lost; an edit of another key in between stays."""
    scenario = make_batch(2)
    kv = Kv2(now=scenario.clock.now)
    kv.write("app", scenario.document(), cas=0)
    store = VaultKv(kv, "app", clock=scenario.clock)
    token = store.begin("token-1")
    run(replace(scenario.session(token), store=store), Step.CREATE)
    scenario.vendors[1].obstacles = (PreconditionFailed("off"),)
    fuse = Fuse(3 + at if at else 0, Edge.AFTER, only="write", error=lost_answer)
    for _ in range(2):
        store = VaultKv(fuse.wrap(kv, ("read", "write")), "app", clock=scenario.clock)
        assert store.begin("token-2") == token
        with suppress(StoreUnavailable, PreconditionFailed, Parked):
            run(replace(scenario.session(token), store=store), Step.SET)
        scenario.clock.sleep(300)
        fuse.at = 0
    assert fuse.blown == bool(at)
    entry = kv.read("app")
    assert stored(kv) == scenario.live()
    assert [vendor.resets for vendor in scenario.vendors] == [1, 0]
    kv.write("app", entry.document.replaced(note="edited"), cas=entry.version)
    scenario.clock.sleep(86_400)
    assert rotate(scenario, kv, token)[:1] == ["precondition_failed"]
    assert stored(kv) == scenario.live()
    assert kv.read("app").document["note"] == "edited"
    assert scenario.counts() == [(1, 0)] * 2
    assert VaultKv(kv, "app", clock=scenario.clock).unfinished() is None


@pytest.mark.parametrize("moment", range(5, 51, 5))
def test_an_edit_of_every_entry_in_the_middle_ends_well_and_stays(moment) -> None:
    """What tells the accounts apart is compared, not the notes that stand beside it."""
    scenario = make_batch(2)
    kv = Kv2(now=scenario.clock.now)
    kv.write("app", scenario.document(), cas=0)

    def edit(_: object) -> None:
        entry = kv.read("app")
        entries = [{**each, "note": "edited"} for each in entry.document[KEY]]
        kv.write("app", entry.document.replaced(**{KEY: entries}), cas=entry.version)

    fuse = Fuse(moment, Edge.AFTER, error=edit)
    failures = rotate(scenario, fuse.wrap(kv, ("read", "write")), "token-1")

    assert fuse.blown
    assert set(failures) <= {"stage_conflict"}
    assert stored(kv) == scenario.live()
    assert [each["note"] for each in kv.read("app").document[KEY]] == ["edited"] * 2
