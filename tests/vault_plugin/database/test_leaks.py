"""No password and no admin key outside the seal: server's log at trace, audit file, disk, arguments, environments."""

import json
from pathlib import Path

import hvac
import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.processes.process_table import children
from rotation_testkit.sandbox.static_roles import wait_until


def test_nothing_is_written_down(plugin_server, stack, canary):
    """After good and failed rotations and a read, no secret is in logs, storage, arguments or environments."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    for kind in (FaultKind.ERROR_AFTER, FaultKind.ERROR_BEFORE):
        directory.vendor.faults.add("ResetPassword", kind)
        with pytest.raises(hvac.exceptions.VaultError):
            directory.role(f"refused-{kind.value}")
    before = directory.last("bob")
    directory.set_period("bob", 5)
    wait_until(lambda: directory.last("bob") != before, "a rotation by the scheduler")
    directory.set_period("bob", 3600)
    directory.stored("bob")
    canary.guard("the admin key", directory.vendor.credentials.secret_key)
    canary.guard("the first password", Secret("Old-Passw0rd-1234!"))
    sent = [json.loads(body)["Password"] for body in directory.sent()]
    assert len(sent) >= 3
    for number, password in enumerate(sent):
        canary.guard(f"password {number}", Secret(password))
    files = [path for path in plugin_server.server.home.rglob("*") if path.is_file()]
    assert {"server.log", "audit.log", "vault.db", "raft.db"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".db":  # large, and encrypted as a whole
            assert not [name for name, secret in canary.guarded.items() if secret.reveal().encode() in content]
        else:
            canary.text(f"file {path.relative_to(plugin_server.server.home)}", content.decode("latin-1"))
    log = plugin_server.server.log_text()
    assert "[TRACE]" in log
    assert "refused" in log  # the plug-in's own lines are in there
    for pid in (plugin_server.server.pid, *children(plugin_server.server.pid)):
        for what in ("cmdline", "environ"):
            canary.text(f"{what} of process {pid}", Path(f"/proc/{pid}/{what}").read_text())
