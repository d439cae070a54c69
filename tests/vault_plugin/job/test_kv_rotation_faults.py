"""The job among faults: one process runs the four steps, and the store remembers what it saw in the steps before.

The matrix runs each step in a process of its own, as a function does. Here its world runs the steps as ``KvRotation``
does, with the same faults at every effect: deaths, lost and late answers, writes that are confirmed and not kept, stale
reads, cancellations, and a second job that runs from its beginning to its end.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from rotation.core.errors import RotationError
from rotation.core.values import Step
from rotation.engine.run import run
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer
from rotation_testkit.fault_lab.matrix.worlds.account import Account
from rotation_testkit.fault_lab.matrix.worlds.backends import DOCUMENT, IN_TURNS
from rotation_testkit.fault_lab.matrix.worlds.checks import broken_after_a_step
from rotation_testkit.fault_lab.matrix.worlds.lockstep import GatedClock, Lockstep
from rotation_testkit.fault_lab.matrix.worlds.setups import SPACINGS
from rotation_testkit.fault_lab.matrix.worlds.vault_backend import _PATH, VaultBackend, _GatedKv
from rotation_testkit.fault_lab.matrix.worlds.world import World
from vault_plugin.job.kv_rotation import each_step, is_behind


class Job(Lockstep):
    """Lockstep as a job: one invocation is one attempt with four steps, and every job has a token of its own."""

    steps = 1

    def begin(self):
        """Do nothing: the job itself begins."""

    def run(self, world, step):
        """Run one attempt; of a second job in the middle of it, the token is not this world's."""
        del step
        before = self.token
        try:
            self._attempt(world)
        finally:
            if world._in_parallel:
                self.token = before

    def _attempt(self, world):
        """Run the four steps, as ``KvRotation`` does."""
        kv = _GatedKv(self.place._kv, world.gate)
        plain = VaultKv(kv, _PATH, clock=GatedClock(world.clock, world.gate))
        self.tokens += 1
        token = self.token = plain.begin(f"{self.tokens:08d}-0000-4000-8000-0000{self.tokens:08d}")
        for each, store in each_step(plain, plain):
            try:
                run(replace(self.session(world), store=store, token=token), each)
            except RotationError as error:
                if each is Step.CREATE and is_behind(plain, token, error):
                    self._attempt(world)
                    return
                raise


def tally(driver, spacing, faults):
    """Return how all runs with exactly so many faults ended."""
    clock = VirtualClock()
    account = Account(MATRIX_CLASSES[driver], clock)
    job = Job(VaultBackend(clock, DOCUMENT if account.other is None else IN_TURNS))
    return Explorer(World(clock, account, job, partial(broken_after_a_step, job), float(spacing))).runs(faults)


FAST = {"accepted", "alternating", "self"}


@pytest.mark.parametrize(
    "driver", [each if each in FAST else pytest.param(each, marks=pytest.mark.long) for each in sorted(MATRIX_CLASSES)]
)
def test_a_fault_at_any_effect_of_a_job_breaks_no_promise(driver):
    """After every single fault the next jobs end in stored = live, and no promise is broken at any moment."""
    for spacing in SPACINGS:
        found = tally(driver, spacing, 1)
        assert found.runs > 100
        assert (found.broken, set(found.ends)) == ({}, {End.HEALED}), found.examples
