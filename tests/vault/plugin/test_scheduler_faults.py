"""The server's own scheduler against every fault of the vendor and of either process: all end stored = live.

The faults run beside one another, each in a mount of its own, since a failed role is retried after 10 seconds, fixed,
and a process that died is missed once more than that.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rotation.testing.faults import FaultKind

pytestmark = pytest.mark.timeout(300)


@dataclass
class Row:
    """One fault under way."""

    what: str
    directory: object
    release: list[threading.Event] = field(default_factory=list)
    before: str = ""

    def begin(self) -> None:
        """Let the scheduler find the role due."""
        self.before = self.directory.last("bob")
        self.directory.set_period("bob", 5)

    def healed(self) -> bool:
        """The server says that the role was rotated."""
        return self.directory.last("bob") != self.before

    def passwords(self) -> list[str]:
        """What the vendor was sent, in order, without each role's first password."""
        return [json.loads(body)["Password"] for body in self.directory.sent()][len(self.directory.ids) :]


def test_every_fault_ends_stored_equals_live(rig, stack: ExitStack, helpers) -> None:
    """Errors before and after the change, a lost reply, a hung vendor, a plug-in killed inside the call."""
    rows = []
    for kind in (FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.DROP_AFTER):
        directory = rig.directory(stack)
        directory.role("bob")
        directory.vendor.faults.add("ResetPassword", kind)
        rows.append(Row(kind.value, directory))
    hung, killed = rig.directory(stack), rig.directory(stack, "killed", deadline_seconds=25)
    for directory in (hung, killed):
        directory.role("bob")
    hung.role("carol")
    hung_reached, hung_release = hung.hang()
    killed_reached, killed_release = killed.hang()
    rows += [Row("hung", hung, [hung_release]), Row("killed", killed, [killed_release])]
    for row in rows:
        row.begin()
    assert killed_reached.wait(60)
    os.kill(helpers.newest_child(rig.server.pid), signal.SIGKILL)
    killed_release.set()
    assert hung_reached.wait(60)
    assert hung.stored("carol") == hung.live("carol")  # a reader never waits for a rotation
    assert not hung_release.is_set()
    for row in rows:
        helpers.wait_until(row.healed, row.what)
        row.directory.set_period("bob", 3600)
    for row in rows:
        helpers.wait_until(lambda row=row: row.directory.equal("bob"), row.what)
        assert row.directory.vendor.faults.pending == 0
        first, second = row.passwords()[:2]
        assert first == second, f"{row.what}: the retry brings the same password"
        for release in row.release:
            release.set()


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_server_that_ends_inside_the_call_heals_after_its_restart(
    own_rig, stack: ExitStack, helpers, how: str
) -> None:
    """Kill -9 and SIGTERM after the vendor changed: the log brings the same password again, and it is found live."""
    directory = own_rig.directory(stack)
    directory.role("bob")
    reached, release = directory.hang()
    directory.set_period("bob", 5)
    assert reached.wait(60)
    orphans = helpers.children(own_rig.server.pid)
    getattr(own_rig.server, how)()
    release.set()
    own_rig.server.start()
    before = len(directory.sent())
    helpers.wait_until(lambda: len(directory.sent()) > before and directory.equal("bob"), how)
    directory.set_period("bob", 3600)
    first, second = [json.loads(body)["Password"] for body in directory.sent()][1:3]
    assert first == second
    assert orphans
    helpers.wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), "no plug-in outlives its server"
    )
