"""The commands against the real server: install every ADMIN driver's roles from one file, compare, rotate on demand."""

import json
import os
import shutil
import signal
import threading
import time

import pytest
from typer.testing import CliRunner

from rotation.core.errors import Interrupted
from rotation.core.process import stop
from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vault import acl
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import TENCENT, UCLOUD, VOLCENGINE
from rotation_testkit.sandbox.vendors import sandbox_module
from vault_plugin.cli.plugin import plugin_app
from vault_plugin.provision.declaration import load
from vault_plugin.provision.install import policy_name

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets(
        *(f"file {name}.json" for name in (UCLOUD, TENCENT, VOLCENGINE, "admin")),
        reason="the operator's own files with the admin credentials",
    ),
]

POLICIES = {UCLOUD: 'policy = "container"\n', TENCENT: 'policy = "linux"\n', VOLCENGINE: ""}


def run(folder, environment, *arguments):
    """Run a command with --json and return its exit code and lines."""
    command = [*arguments, "--file", str(folder / "lockstep.toml"), "--json"]
    result = CliRunner().invoke(plugin_app, command, env=environment, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def estates(plugin_server, tmp_path, stack):
    """Serve three vendors with one account each, and write the file that makes a static role of each account."""
    mount = plugin_server.name("site")
    for folder in (plugin_server.server.plugins, tmp_path):
        shutil.copy(plugin_server.built.path, folder / "lockstep-site")
    text = f'[plugin]\nname = "{mount}"\nfile = "lockstep-site"\nmount = "{mount}"\ntick_seconds = 1\n'
    made = {code: stack.enter_context(sandbox_module(code).serve(time.time, (code,))) for code in POLICIES}
    for code, estate in made.items():
        (tmp_path / f"{code}.json").write_text(json.dumps(estate.admin))
        account = {**estate.accounts[code].document}
        own = {key: value for key, value in account.items() if key not in ("driver", "username", "password")}
        text += (
            f'[connections.{code}]\ndriver = "{code}"\nadmin = "{code}.json"\nendpoint = "{estate.endpoint}"\n'
            f'hosts = "{estate.endpoint.removeprefix("http://")}"\npropagation_seconds = 0\n'
            f'[roles.{code}]\nconnection = "{code}"\nusername = "{account["username"]}"\nperiod = 3600\n'
            f"{POLICIES[code]}[roles.{code}.options]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in own.items())
        )
    (tmp_path / "lockstep.toml").write_text(text)
    for role in load(tmp_path / "lockstep.toml").roles.values():  # another test may have installed its policy
        plugin_server.adapter.delete(f"/v1/sys/policies/password/{policy_name(role)}")
    return made


def test_every_admin_drivers_role_is_installed_compared_and_rotated(estates, plugin_server, tmp_path):
    """Install creates everything and then changes nothing; rotate changes each password; status compares them."""
    environment = {"VAULT_ADDR": plugin_server.server.address, "VAULT_TOKEN": plugin_server.server.root_token.reveal()}
    tenants = {code: estate.accounts[code] for code, estate in estates.items()}
    old = {code: tenant.live() for code, tenant in tenants.items()}
    code, steps = run(tmp_path, environment, "install")
    assert code == 0
    assert {each["what"] for each in steps} == {"plugin", "secrets engine", "password policy", "connection", "role"}
    assert {each["outcome"] for each in steps} == {"created"}
    assert [each["name"] for each in steps if each["what"] == "role"] == list(estates)

    _, again = run(tmp_path, environment, "install")
    outcomes = {(each["what"] == "connection", each["outcome"]) for each in again}
    assert outcomes == {(True, "written"), (False, "unchanged")}

    mount = steps[1]["name"]
    for role, tenant in tenants.items():
        first = tenant.live()
        assert first != old[role]
        code, [done] = run(tmp_path, environment, "rotate", role)
        assert (code, done["role"]) == (0, role)
        assert tenant.live() not in (old[role], first)
        kept = plugin_server.adapter.get(f"/v1/{mount}/static-roles/{role}")["data"]
        assert kept["rotation_period"] == 3600
        stored = plugin_server.adapter.get(f"/v1/{mount}/static-creds/{role}")["data"]["password"]
        assert Secret(stored) == tenant.live()
    code, found = run(tmp_path, environment, "status")
    findings = {each["role"]: (each["finding"], each["how"]) for each in found}
    assert findings == {UCLOUD: ("equal", "login"), TENCENT: ("equal", "login"), VOLCENGINE: ("unknown", "")}
    assert code == 0
    assert {tenants[role].changes() for role in (UCLOUD, TENCENT)} == {2}

    # Somebody changes a password by hand: status says so and exits with 1.
    instance = estates[UCLOUD].simulator.instance(str(tenants[UCLOUD].document["uhost_id"]))
    instance.guest = vendor_policies()[UCLOUD]["container"].generate()
    code, found = run(tmp_path, environment, "status")
    assert (code, found[0]["finding"]) == (4, "different")


def test_a_killed_rotation_on_demand_is_set_right_by_the_next_run(plugin_server, stack, tmp_path):
    """A period that a killed run left short is set back by install, and rotate works under a small policy."""
    roles = plugin_server.directory(stack)
    roles.role("bob")
    roles.declare(tmp_path, {"file": str(plugin_server.built.path), "mount": roles.mount}, "bob")
    environment = {"BAO_ADDR": plugin_server.server.address, "BAO_TOKEN": plugin_server.server.root_token.reveal()}
    roles.set_period("bob", 900)  # what a killed run leaves behind
    _, steps = run(tmp_path, environment, "install")
    assert {each["name"]: each["outcome"] for each in steps if each["what"] == "role"} == {"bob": "changed"}
    role, creds = (f"{roles.mount}/static-{kind}/bob" for kind in ("roles", "creds"))
    assert plugin_server.adapter.get(f"/v1/{role}")["data"]["rotation_period"] == 3600
    before = roles.last("bob")
    environment["BAO_TOKEN"] = _token(plugin_server, {role: ["read", "update"]})
    run(tmp_path, environment, "rotate", "bob")
    assert roles.last("bob") != before
    assert roles.equal("bob")
    environment["BAO_TOKEN"] = _token(plugin_server, {role: ["read"], creds: ["read"]})
    _, [found] = run(tmp_path, environment, "status")
    assert found["finding"] == "unknown"  # this vendor lets nobody log in


def test_a_rotation_on_demand_that_is_stopped_sets_the_period_back(plugin_server, stack, tmp_path):
    """Ctrl-C while the server rotates: the role has the file's period again, and the command says how to continue."""
    roles = plugin_server.directory(stack)
    roles.role("bob")
    roles.declare(tmp_path, {"file": str(plugin_server.built.path), "mount": roles.mount}, "bob")
    environment = {"VAULT_ADDR": plugin_server.server.address, "VAULT_TOKEN": plugin_server.server.root_token.reveal()}
    reached, go_on = threading.Event(), threading.Event()
    details = {"applied": False, "event": go_on, "reached": reached, "seconds": 60}
    roles.vendor.faults.add("ResetPassword", FaultKind.HANG, **details)

    def ask():
        reached.wait(60)
        os.kill(os.getpid(), signal.SIGINT)
        while not stop.requested():
            time.sleep(0.01)
        go_on.set()

    threading.Thread(target=ask, daemon=True).start()
    with stop.heeding(), pytest.raises(Interrupted, match="its period is 3600 s again") as stopped:
        run(tmp_path, environment, "rotate", "bob")
    stop._process.asked_at = None
    assert stopped.value.hint == "`lockstep vault plugin rotate bob` asks the server again."
    assert plugin_server.adapter.get(f"/v1/{roles.mount}/static-roles/bob")["data"]["rotation_period"] == 3600


def _token(plugin_server, rules):
    """Return a token that may do what the rules say."""
    name = plugin_server.name("policy")
    plugin_server.client.sys.create_or_update_acl_policy(name, acl.written(rules))
    return plugin_server.client.auth.token.create(policies=[name], no_default_policy=True)["auth"]["client_token"]
