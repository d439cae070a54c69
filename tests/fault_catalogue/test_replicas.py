"""W54: replicas lag. Their readers get the value before for a while, and no rotation fails or waits for them."""

import pytest

from rotation.core.errors import NotYetVisible
from rotation.state.stages import PREVIOUS
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST
from rotation_testkit.fault_lab.matrix.worlds.aws_backend import AwsBackend
from rotation_testkit.fault_lab.matrix.worlds.checks import healed
from rotation_testkit.fault_lab.matrix.worlds.setups import make

REPLICAS = [
    {"Region": "eu-west-1", "Status": "InProgress"},
    {"Region": "eu-west-2", "Status": "Failed", "StatusMessage": "the KMS key is not accessible"},
]


@pytest.mark.parametrize("driver", ["admin", "self"])
@pytest.mark.window(54)
def test_a_replica_region_that_lags_or_fails_does_not_fail_the_rotation(monkeypatch, driver):
    """One attempt is enough although DescribeSecret reports it, and the value of a late region keeps its label."""
    plain = AwsBackend.call

    def call(backend, operation, params):
        answer = plain(backend, operation, params)
        return {**answer, "ReplicationStatus": REPLICAS} if operation == "DescribeSecret" else answer

    monkeypatch.setattr(AwsBackend, "call", call)
    world = make(Line("lockstep", driver, "aws", 600))
    while not world.done:
        world.invoke({})

    place = world.algorithm.place
    assert healed(world)
    assert (world.attempt, world.account.vendor.resets) == (0, 1)
    assert place.value(place.state().holder(PREVIOUS)) == FIRST


class Lagging(Kv2):
    """A mount's replica: it shows entries as they were before their newest version, for so many reads."""

    def __init__(self, behind, reads):
        self._behind = behind
        self.reads = reads

    def read(self, path, *, version=None):
        """Answer with the version before the newest."""
        newest = self._behind.read(path)
        if version is None and self.reads > 0 and newest is not None and newest.version > 1:
            self.reads -= 1
            return self._behind.read(path, version=newest.version - 1)
        return self._behind.read(path, version=version)

    def write(self, path, document, *, cas):
        """Pass on to the active node."""
        return self._behind.write(path, document, cas=cas)


@pytest.mark.parametrize(("reads", "waits"), [(3, True), (1000, False)])
@pytest.mark.window(54)
def test_a_run_never_acts_on_what_a_lagging_node_shows_of_its_own_writes(reads, waits):
    """A run that reads less than it wrote reads again for a moment, and leaves the rest to the next attempt."""
    world = make(Line("lockstep", "admin", "vault", 600))
    world.invoke({})
    clock = VirtualClock()
    node = Lagging(world.algorithm.place._kv, 0)
    store = VaultKv(node, "matrix", clock=clock)
    token = world.algorithm.token
    store.attach("mine", token)
    node.reads = reads

    if waits:
        assert "mine" in store.describe().versions[token].labels
    else:
        with pytest.raises(NotYetVisible) as late:
            store.describe()
        assert late.value.retryable
