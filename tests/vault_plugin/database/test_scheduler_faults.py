"""The server's own scheduler against every fault of the vendor and of either process: all end stored = live.

The faults run beside one another, each in a mount of its own. The server tries a failed role again after 10 seconds,
fixed; a role whose period is set is looked at once, which is what ``lockstep vault plugin rotate`` does.
"""

import json
import os
import signal
from dataclasses import dataclass

import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.processes.process_table import children, is_running, newest_child
from rotation_testkit.sandbox.static_roles import wait_until

pytestmark = pytest.mark.timeout(300)


@dataclass
class Row:
    """One fault in progress, in a role of the same name."""

    what: str
    directory: object
    before: str = ""

    def begin(self):
        """Let the scheduler find the role due."""
        self.before = self.directory.last(self.what)
        self.directory.set_period(self.what, 5)

    def healed(self):
        """Return whether the server has rotated the role."""
        return self.directory.last(self.what) != self.before

    def press(self):
        """Have a failed role tried again at once; return whether it is healed."""
        self.directory.retry_now(self.what)
        return self.healed()

    def passwords(self):
        """Return the passwords that were sent for the role after its first one."""
        user, bodies = self.directory.ids[self.what], [json.loads(body) for body in self.directory.sent()]
        return [body["Password"] for body in bodies if body["UserId"] == user][1:]


def begun(plugin_server, stack, what, plugin="lockstep"):
    """Make a vendor with one user and its role."""
    directory = plugin_server.directory(stack, plugin)
    directory.role(what)
    return Row(what, directory)


@pytest.mark.parametrize("pressed", [True, pytest.param(False, marks=pytest.mark.long)], ids=["pressed", "left alone"])
def test_every_fault_ends_stored_equals_live(plugin_server, stack, *, pressed):
    """Errors before and after the change, a lost reply, a hung vendor and a killed plug-in end with stored = live."""
    run = plugin_server.name("run")
    # First the one that takes longest: a reset is given up after 15 s.
    hung = begun(plugin_server, stack, f"hung-{run}")
    hung.directory.role("reader")
    hung_reached, hung_release = hung.directory.hang()
    hung.begin()
    killed = begun(plugin_server, stack, f"killed-{run}", plugin=f"killed-{run}")
    victim = newest_child(plugin_server.server.pid)
    killed_reached, killed_release = killed.directory.hang()
    killed.begin()
    rows = [hung, killed]
    for kind in (FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.DROP_AFTER):
        row = begun(plugin_server, stack, f"{kind.value}-{run}")
        row.directory.vendor.faults.add("ResetPassword", kind)
        row.begin()
        rows.append(row)

    assert hung_reached.wait(60)
    assert hung.directory.equal("reader")  # a reader never waits for a rotation
    assert killed_reached.wait(60)
    os.kill(victim, signal.SIGKILL)
    killed_release.set()
    for row in rows[1:]:
        wait_until(row.press if pressed else row.healed, row.what)
        row.directory.set_period(row.what, 3600)
    wait_until(lambda: plugin_server.failures(hung.what), "the vendor is given up")
    assert not hung_release.is_set()
    hung_release.set()
    wait_until(hung.press if pressed else hung.healed, hung.what)
    hung.directory.set_period(hung.what, 3600)
    for row in rows:
        wait_until(lambda row=row: row.directory.equal(row.what), row.what)
        assert row.directory.vendor.faults.pending == 0
        first, second = row.passwords()[:2]
        assert first == second, f"{row.what}: the retry brings the same password"


@pytest.mark.parametrize("how", ["kill", pytest.param("terminate", marks=pytest.mark.long)])
def test_a_server_that_ends_inside_the_call_heals_after_its_restart(plugin_server, stack, how):
    """After kill -9 or SIGTERM inside the call the server's log brings the same password again, which is found live."""
    row = begun(plugin_server, stack, plugin_server.name(how))
    reached, release = row.directory.hang()
    row.begin()
    assert reached.wait(60)
    orphans = children(plugin_server.server.pid)
    getattr(plugin_server.server, how)()
    release.set()
    plugin_server.server.start()
    wait_until(row.healed, row.what)
    row.directory.set_period(row.what, 3600)
    wait_until(lambda: row.directory.equal(row.what), row.what)
    first, second = row.passwords()[:2]
    assert first == second
    assert orphans
    wait_until(lambda: not any(map(is_running, orphans)), "no plug-in outlives its server")
