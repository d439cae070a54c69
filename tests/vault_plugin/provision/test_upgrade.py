"""A newer or older plug-in replaces the one that runs, and no role is dead at any moment."""

import hashlib
import io
import os
import re
import shutil
import signal
import zipfile
from pathlib import Path

import hvac
import pytest

from rotation.core.errors import StoreError
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.sandbox.static_roles import PluginServer, wait_until
from vault_plugin.provision import install as installation
from vault_plugin.provision.declaration import load
from vault_plugin.provision.server import Server

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets("file admin.json", reason="the operator's own file with the admin credential"),
]
INIT = "vault_plugin/database/__init__.py"


def of_version(built, version, target):
    """Write the plug-in as another release of it."""
    shebang, _, archive = built.path.read_bytes().partition(b"\n")
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == INIT:
                data = re.sub(rb'VERSION = "[^"]+"', f'VERSION = "{version}"'.encode(), data)
            if name != INIT + "c":  # the byte-code of the other version
                new.writestr(name, data)
    target.write_bytes(shebang + b"\n" + made.getvalue())
    target.chmod(0o755)
    return target


def processes(server):
    """Return the process ids of the server's plug-ins."""
    found = set()
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            found |= {int(each.name)} if parent == server.pid else set()
    return found


def rotates(roles, connections):
    """Return whether the scheduler rotates each role, given its connection, and readers get the live password."""
    before = {name: roles.last(name) for name in connections}
    for name, connection in connections.items():
        _set_period(roles, name, connection, 5)
    wait_until(lambda: all(roles.last(name) != before[name] for name in connections), "the roles rotate", 60)
    for name, connection in connections.items():
        _set_period(roles, name, connection, 3600)
    return all(roles.equal(name) for name in connections)


def _set_period(roles, name, connection, seconds):
    body = {"db_name": connection, "username": name, "rotation_period": seconds}

    def written():
        try:
            roles.plugin_server.adapter.post(f"/v1/{roles.mount}/static-roles/{name}", json=body)
        except hvac.exceptions.InternalServerError:
            return False  # a rotation just ends; nothing was changed
        return True

    wait_until(written, f"the period of {name} is written")


def restarted(server):
    """Restart the server and wait for its scheduler, which forgets a period that is written before it has begun."""
    ready = "starting periodic ticker"
    before = server.log_text().count(ready)
    server.restart()
    wait_until(lambda: server.log_text().count(ready) > before, "the scheduler runs")


@pytest.fixture
def server(tmp_path, built):
    """Yield a server of its own, whose plug-in's file the tests replace."""
    home = tmp_path / "home"
    home.mkdir()
    with OpenBao(home, audited=False) as server:
        yield PluginServer.on(server, built)


def test_no_role_is_dead_while_the_plugin_is_replaced(server, built, stack, tmp_path, monkeypatch):
    """Upgrade and downgrade need one install each, which moves connections of other files, too."""
    roles = server.directory(stack)
    for name in ("ann", "bob"):
        roles.role(name)
    config = roles._read("config/vendor")
    key = roles.vendor.credentials
    secret = {"secret_key": key.secret_key.reveal()}
    body = {**config["connection_details"], **secret, "password_policy": config["password_policy"]}
    body |= {"plugin_name": "lockstep", "plugin_version": "v0.1.0", "allowed_roles": "*"}
    server.adapter.post(f"/v1/{roles.mount}/config/elsewhere", json=body)
    both = {"ann": "vendor", "bob": "elsewhere"}
    wanted = load(roles.declare(tmp_path, {"file": "lockstep-plugin", "mount": roles.mount}, "ann"))
    file, installed = tmp_path / "lockstep-plugin", server.server.plugins / "lockstep-plugin"

    for version in ("v0.2.0", "v0.1.0"):
        before = processes(server.server)
        shutil.copy(of_version(built, version, file), tmp_path / "next")
        (tmp_path / "next").replace(installed)
        assert rotates(roles, both)  # the process that runs goes on
        monkeypatch.setattr(installation, "VERSION", version)
        with Server.from_environment(
            {"VAULT_ADDR": server.server.address, "VAULT_TOKEN": server.server.root_token.reveal()}
        ) as operator:
            steps = {each.name: each for each in installation.install(operator, wanted)}
        assert steps["vendor"].outcome == "written"
        assert steps["elsewhere"].outcome == "moved"
        assert {roles._read(f"config/{each}")["plugin_version"] for each in ("vendor", "elsewhere")} == {version}
        assert not before & processes(server.server)
        assert rotates(roles, both)
    restarted(server.server)
    assert rotates(roles, both)


def test_a_copy_over_the_file_does_not_break_the_process_that_runs(server, stack):
    """The process keeps its archive in memory, so that a truncated and rewritten file changes nothing for it."""
    roles = server.directory(stack)  # the connection is open, and nothing was rotated yet
    running = processes(server.server)
    with (server.server.plugins / "lockstep-plugin").open("r+b") as file:
        file.truncate(0)
        file.write(os.urandom(4096))
    roles.role("ann")
    assert roles.equal("ann")
    assert processes(server.server) == running


@pytest.mark.long
def test_a_dead_process_is_started_by_a_rotation_and_the_refusal_before_says_so(server, stack):
    """OpenBao 2.7.2 starts the plug-in again for a role alone: until then it takes no connection."""
    roles = server.directory(stack)
    roles.role("ann")
    for process in processes(server.server):
        os.kill(process, signal.SIGKILL)
    environment = {"VAULT_ADDR": server.server.address, "VAULT_TOKEN": server.server.root_token.reveal()}
    body = {**roles._read("config/vendor")["connection_details"], "plugin_name": "lockstep", "allowed_roles": "*"}
    body["secret_key"] = roles.vendor.credentials.secret_key.reveal()
    with Server.from_environment(environment) as operator:
        with pytest.raises(StoreError, match=r"error while dialing|error reading from server") as refused:
            operator.write(f"{roles.mount}/config/second", body)
        assert "lockstep vault plugin rotate ROLE" in refused.value.hint
        assert rotates(roles, {"ann": "vendor"})
        operator.write(f"{roles.mount}/config/second", body)


def test_a_missing_library_is_named_by_the_server(server, built):
    """The host shows the first line of a plug-in that cannot start, so the operator reads what is missing."""
    _, _, archive = built.path.read_bytes().partition(b"\n")
    file = server.server.plugins / "no-libraries"
    file.write_bytes(b"#!" + os.fsencode(os.path.realpath(shutil.which("python3") or "")) + b" -IS\n" + archive)
    file.chmod(0o755)
    registered = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "command": "no-libraries",
        "version": "v0.1.0",
    }
    server.adapter.put("/v1/sys/plugins/catalog/database/no-libraries", json=registered)
    server.client.sys.enable_secrets_engine("database", path="db")
    with pytest.raises(Exception, match=r"Lockstep's plug-in needs \w+, which .* does not have"):
        server.adapter.post("/v1/db/config/x", json={"plugin_name": "no-libraries", "plugin_version": "v0.1.0"})
