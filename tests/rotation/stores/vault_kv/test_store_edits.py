"""An operator edits the secret while it is rotated: nothing is lost, at any moment and after any death."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    IdentityChanged,
    InProgress,
    RotationError,
    StageConflict,
    StageError,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Step
from rotation.engine.run import run
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.conformance.store_backdoor import FIRST
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.scenarios import POLICY
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

EFFECTS = ("read", "write")


class Edited:
    """A secret in KV that the engine rotates through fuses."""

    def __init__(self, authority: Authority) -> None:
        self.clock = VirtualClock()
        self.vendor = MemoryVendor(now=self.clock.now, initial=POLICY.generate(), policy=POLICY, authority=authority)
        self.made = Scenario(self.vendor, self.clock).unguarded()
        self.kv = Kv2(now=self.clock.now)
        self.kv.write("app", self.made.secret.read("version-0").document, cas=0)

    def edit(self, _=None, **keys) -> None:
        """Change and add keys by hand."""
        entry = self.kv.read("app")
        keys = keys or {"note": "by hand", "extra": [1]}
        self.kv.write("app", entry.document.replaced(**keys), cas=entry.version)

    def rotate(self, *fuses: Fuse) -> list[str]:
        """Rotate until it is done, as job after job does; the fuses hold for the first. Return the failures' codes."""
        failures: list[str] = []
        while len(failures) < 9:
            kv = self.kv
            for fuse in fuses:
                kv = fuse.wrap(kv, EFFECTS)
            store = VaultKv(kv, "app", clock=self.clock)
            try:
                token = store.begin(f"token-{len(failures):028d}")
                for step in Step:
                    run(replace(self.made.session(token), store=store), step)
            except RotationError as error:
                failures.append(error.code)
            except Crash:
                failures.append("crash")
            else:
                return failures
            self.clock.sleep(900)
            fuses = ()
        return [*failures, "gave up"]

    def check(self) -> None:
        """Check that the edits and the live password are there, and that nothing is pending."""
        document = self.kv.read("app").document
        assert (document["note"], document["extra"]) == ("by hand", [1])
        assert document.password == self.vendor.live
        assert VaultKv(self.kv, "app", clock=self.clock).unfinished() is None


@pytest.fixture(params=list(Authority))
def authority(request):
    """Return who may change the account."""
    return request.param


def test_an_edit_at_any_moment_stays(authority):
    """An edit after any read or write of the job stays."""
    for number in itertools.count(1):
        made = Edited(authority)
        fuse = Fuse(number, Edge.AFTER, error=made.edit)
        failures = made.rotate(fuse)
        if not fuse.blown:
            assert number > 16
            return
        assert set(failures) <= {StageConflict.code}
        made.check()
        assert made.vendor.resets == 1


@pytest.mark.parametrize("authority", [Authority.SELF, pytest.param(Authority.ADMIN, marks=pytest.mark.long)])
def test_an_edit_stays_when_the_job_dies_after_it(authority):
    """After an edit the job may die at any write: the commit is recognised by its content, with the edit in it."""
    writes = Fuse(only="write")
    Edited(authority).rotate(writes)
    total = len([each for each in writes.effects if each == "write"])
    assert total == 5
    for edited, died in itertools.combinations(range(1, total + 2), 2):
        made = Edited(authority)
        failures = made.rotate(
            Fuse(edited, Edge.AFTER, only="write", error=made.edit), Fuse(died, Edge.AFTER, only="write")
        )
        assert set(failures) <= {StageConflict.code, "crash"}
        made.check()


def test_a_cancellation_at_any_moment_loses_nothing(authority):
    """A run that acts at the vendor is not cancelled; anything else stops, and the next rotation heals."""
    cancelled = 0
    for number in itertools.count(1):
        made = Edited(authority)

        def cancel(_, made=made):
            nonlocal cancelled
            with suppress(InProgress, StageError):
                VaultKv(made.kv, "app", clock=made.clock).cancel()
                cancelled += 1

        fuse = Fuse(number, Edge.AFTER, error=cancel)
        failures = made.rotate(fuse)
        if not fuse.blown:
            assert cancelled > 7
            return
        assert failures[-1:] != ["gave up"]
        assert made.kv.read("app").document.password == made.vendor.live
        assert VaultKv(made.kv, "app", clock=made.clock).unfinished() is None


def test_an_edit_of_who_the_account_is_stops_the_rotation(authority):
    """An edit of the account's identity is neither taken over nor overwritten."""
    made = Edited(authority)
    fuse = Fuse(3, Edge.AFTER, only="write", error=lambda _: made.edit(tenant="other"))
    failures = made.rotate(fuse)
    assert fuse.blown
    assert failures[-2:] == [IdentityChanged.code, "gave up"]
    assert made.kv.read("app").version == 2


TWO = {"driver": "x", "all": [{"id": "a", "password": "old-a"}, {"id": "b", "password": "old-b"}]}


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("died", [1, 2, 3])
def test_a_batchs_commit_is_recognised_with_the_edit_in_it(died, edge):
    """After a death at any write of the promotion, the repetition finds its own commit."""
    clock = VirtualClock()
    kv = Kv2(now=clock.now)
    kv.write("app", SecretDocument(TWO), cas=0)
    new = SecretDocument({**TWO, "all": [{**each, "password": "new"} for each in TWO["all"]]})
    VaultKv(kv, "app", clock=clock).stage(FIRST, new)
    kv.write("app", SecretDocument({**TWO, "note": 1, "all": [{**each, "own": 2} for each in TWO["all"]]}), cas=1)
    fuse = Fuse(died, edge)
    with pytest.raises(Crash):
        promoted(VaultKv(fuse.wrap(kv, ("write",)), "app", clock=clock))
    promoted(VaultKv(kv, "app", clock=clock))
    assert kv.read("app").version == 3
    assert kv.read("app").document["note"] == 1
    assert kv.read("app").document["all"] == [{**each, "own": 2, "password": Secret("new")} for each in TWO["all"]]


def promoted(store):
    """Make the candidate current and clean up, as finishSecret does."""
    store.promote(FIRST, current_id=store.describe().current_id)
    store.settle(FIRST)
