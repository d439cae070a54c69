"""Minutes on the real server: random kills under load, and a cluster that loses its leader inside a call."""

import json
import random  # noqa: TID251 - moments of kills, from a seed
import time

import hvac
import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.static_roles import PluginServer, wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ROLES, KILLS, SECONDS, REST = 40, 12, 60.0, 15.0


def test_random_kills_leave_no_role_with_a_dead_password(own_plugin_server, stack, record_property):
    """After 12 kills within a minute, with 40 roles of 5 seconds and slow calls, every role is right again."""
    seed = 20261122
    chance = random.Random(seed)  # noqa: S311 - the same
    directory = own_plugin_server.directory(stack)
    directory.vendor.faults.add("ResetPassword", FaultKind.HANG, applied=True, seconds=0.1, times=100_000)
    names = [directory.role(f"user-{number}", period=5) for number in range(ROLES)]
    moments = sorted(chance.uniform(0.0, SECONDS) for _ in range(KILLS))
    begin = time.monotonic()
    for moment in moments:
        time.sleep(max(0.0, begin + moment - time.monotonic()))
        own_plugin_server.server.kill()
        own_plugin_server.server.start()
    restarted = time.monotonic()
    wrong = set(names)

    def all_right():
        # A role may be seen inside its call, so it counts as soon as it was right once.
        wrong.difference_update([name for name in wrong if directory.equal(name)])
        return not wrong

    wait_until(all_right, f"all roles right, seed {seed}")
    record_property("seconds until every role was right", time.monotonic() - restarted)
    time.sleep(max(0.0, restarted + REST - time.monotonic()))
    wrong = set(names)
    wait_until(all_right, f"all roles right {REST:.0f} s after the last kill, seed {seed}", 5.0)
    assert len(directory.sent()) > 2 * ROLES


@pytest.fixture
def cluster(three_nodes, built):
    """Return the nodes of a cluster, each with the plug-in in its folder."""
    return [PluginServer.on(node, built) for node in three_nodes]


def test_a_cluster_that_loses_its_leader_inside_a_call(cluster, stack):
    """If the leader dies after the vendor's change, the next leader sends the same password, and stored = live."""
    leader, second, _ = cluster
    directory = leader.directory(stack)
    directory.role("bob")
    reached, release = directory.hang()
    before = directory.last("bob")
    directory.set_period("bob", 5)
    assert reached.wait(60)
    leader.server.kill()
    release.set()
    directory.plugin_server = second

    def healed():
        try:
            return directory.last("bob") != before and directory.equal("bob")
        except (hvac.exceptions.VaultError, OSError):
            return False  # no leader yet

    wait_until(healed, "the next leader rotates")
    directory.set_period("bob", 3600)
    wait_until(lambda: directory.equal("bob"), "stored is live")
    first, again = [json.loads(body)["Password"] for body in directory.sent()][1:3]
    assert (first == again) is True
