"""A virtual machine as a static role of the real server, whose scheduler comes again until the reset is at its end."""

import time

import pytest

from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import CODE as UCLOUD
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import LINUX_VM
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import serve as compshare
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Delays
from rotation_testkit.sandbox.static_roles import wait_until

pytestmark = pytest.mark.timeout(300)

SHORTEST = 25
"""Seconds of a call: too few to wait for a machine, so a switch of its power ends the call."""


def test_a_machines_reset_outlasts_calls_and_goes_on_at_each_retry(plugin_server, stack):
    """Stop, reset and start take several calls: one reset, no wrong login, and the machine runs."""
    estate = stack.enter_context(compshare(time.time, (LINUX_VM,)))
    tenant, cloud, name = estate.accounts[LINUX_VM], estate.simulator, plugin_server.name("machine")
    options = {key: value for key, value in tenant.document.items() if key not in ("driver", "username", "password")}
    roles = plugin_server.roles(UCLOUD, "linux", estate, deadline_seconds=SHORTEST, propagation_seconds=0)
    roles.make(name, str(tenant.document["username"]), options)
    assert roles.stored(name) == tenant.live()
    before, resets = roles.last(name), tenant.changes()
    cloud.service.delays = Delays(stop=2.0, start=2.0)
    roles.set_period(name, 5)

    def healed():
        roles.retry_now(name)
        return roles.last(name) != before

    wait_until(healed, "the machine's rotation")
    roles.set_period(name, 3600)
    assert plugin_server.failures(name), "a switch of the power ended a call"
    assert roles.stored(name) == tenant.live()
    assert (tenant.changes(), tenant.wrong_logins()) == (resets + 1, 0)
    assert cloud.running(str(tenant.document["uhost_id"]))
