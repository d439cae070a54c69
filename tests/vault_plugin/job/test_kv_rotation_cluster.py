"""Minutes on a cluster of three: the leader dies in the middle of a job that talks to a follower."""

from __future__ import annotations

import time
from contextlib import suppress

import hvac
import pytest

from rotation.core.errors import StoreError
from rotation_testkit.doubles.vault.kv2 import ServedKv, mounted
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from rotation_testkit.sandbox.vault_sandbox import open_vault_sandbox

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

REST, A_DAY = 600.0, 90_000.0  # longer than a lease, and than a vendor's minimum age


def leader_of(nodes):
    """Return the node that leads, once one of the running nodes does."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        for node in nodes:
            with suppress(hvac.exceptions.VaultError, OSError):
                if node.running and node.client().sys.read_leader_status()["is_self"]:
                    return node
        time.sleep(0.1)
    raise AssertionError("nobody leads")


def known_by(follower):
    """Return the mount, once a follower knows it."""
    kv, end = ServedKv(follower.client(), "secret"), time.monotonic() + 100
    while True:
        try:
            kv.read("any")
        except StoreError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return kv


def led_by_another(nodes, follower):
    """Return the leader, after making the follower step down."""
    while (leader := leader_of(nodes)) is follower:
        leader.client().adapter.put("/v1/sys/step-down")
    return leader


def eventually(holds):
    """Wait until a condition holds, since a follower shows a write some tenths of a second later."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
    return True


def moments(effects):
    """Return the effects before which the leader is killed: after the vendor's change, and at the commit."""
    commit = len(effects) - effects[::-1].index("commit")  # the first one checks the right to write
    reset = max(number for number in range(1, commit) if effects[number - 1] == "request")
    return {"after the change": reset + 1, "before the commit": commit}


@pytest.mark.parametrize("account", [HUAWEI, UCLOUD])
def test_a_leader_that_dies_between_change_and_commit_costs_no_password(three_nodes, mortal, account) -> None:
    """The job sees an unavailable server, and its next run ends in stored = live with one reset."""
    follower = three_nodes[2]
    mounted(three_nodes[0].client(), "secret")
    kv = known_by(follower)
    with open_vault_sandbox(lambda _: kv, "cluster", holding=(account,)) as started:
        eventually(lambda: started.kv.read(started.path(account)) is not None)
        job = mortal(started, follower)
        job.lags = True
        clean = job.run(started.path(account))
        assert clean.report["outcome"] == "promoted", clean.report
        for what, number in moments(clean.effects).items():
            started.world.clock.sleep(A_DAY)
            leader, resets = led_by_another(three_nodes, follower), started.world.changes(account)
            commits = started.kv.read(started.path(account)).version
            known_by(follower)
            job.on_pause = leader.kill
            met = job.run(started.path(account), at=number, edge=Edge.BEFORE, pauses=True)
            assert met.report is not None, what
            assert not leader.running, what
            assert started.world.changes(account) == resets + 1, what
            job.on_pause = lambda: None
            leader_of(three_nodes)
            started.world.clock.sleep(REST)
            ended = job.run(started.path(account), attempts=3)
            assert ended.report["error"] is None, f"{what}: {ended.report}"
            assert eventually(lambda: started.heals(account)), what
            assert eventually(lambda: started.journal(account)["lease"] is None), what
            # A rotation of its own begins only where the server had carried the commit out, though its answer was lost.
            rotations = 1 if ended.report["resumed"] else 2
            assert met.report["error"] or rotations == 2, what
            assert started.world.changes(account) - resets == rotations, what
            assert eventually(lambda: started.kv.read(started.path(account)).version - commits == rotations), what  # noqa: B023
            assert started.world.wrong_logins(account) == 0, what
            leader.start()
