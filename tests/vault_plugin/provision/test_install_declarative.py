"""The declarative file decides connections whole, takes no role from its readers, and stops at no single fault."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import hvac
import pytest
from typer.testing import CliRunner

from rotation.core.errors import ConfigError, SettingsError
from rotation_testkit.sandbox.static_roles import OLD
from vault_plugin.cli.plugin import plugin_app

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets("file admin.json", reason="the operator's own file with the admin credential"),
]


@dataclass
class Site:
    """A directory with users, a mount of its own, and the file that declares them."""

    plugin_server: object
    directory: object
    folder: Path
    mount: str
    namespace: str = ""
    users: dict[str, str] = field(default_factory=dict)

    def user(self, name):
        """Make a user at the vendor."""
        self.users[name] = self.directory.vendor.add_user(name, OLD).user_id
        return name

    def declare(self, *roles, of=None, plugin="", connection=""):
        """Write the file with these roles; ``of`` names another user for a role."""
        names = {name: (of or {}).get(name, name) for name in roles}
        details = self.directory._read("config/vendor")["connection_details"]
        key = self.directory.vendor.credentials
        admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
        (self.folder / "admin.json").write_text(json.dumps(admin))
        text = (
            f'[plugin]\nname = "{self.mount}"\nfile = "lockstep-plugin"\nmount = "{self.mount}"\ntick_seconds = 1\n'
            f'{plugin}[connections.vendor]\ndriver = "volcengine_cloudidentity"\nadmin = "admin.json"\n'
            f'endpoint = "{details["endpoint"]}"\nhosts = "{details["hosts"]}"\n{connection}'
        )
        for name, user in names.items():
            text += f'[roles.{name}]\nconnection = "vendor"\nusername = "{user}"\nperiod = 3600\n'
            text += f'options = {{ user_id = "{self.users.get(user, "u-nobody")}" }}\n'
        (self.folder / "lockstep.toml").write_text(text)

    def run(self, *arguments):
        """Run a command; return its exit code, and its steps or findings by name (or kind)."""
        server = self.plugin_server.server
        environment = {"VAULT_ADDR": server.address, "VAULT_TOKEN": server.root_token.reveal()}
        environment |= {"VAULT_NAMESPACE": self.namespace} if self.namespace else {}
        command = [*arguments, "--file", str(self.folder / "lockstep.toml"), "--json"]
        result = CliRunner().invoke(plugin_app, command, env=environment, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        named = [("role" if "role" in each else each["what"], each.get("role") or each["name"], each) for each in lines]
        steps = {name if what in ("role", "connection") else what: each for what, name, each in named}
        return int(result.return_value or 0), steps

    def config(self):
        """Return the connection as the server shows it."""
        return self.plugin_server.adapter.get(f"/v1/{self.mount}/config/vendor")["data"]

    def role(self, name):
        """Return a role as the server shows it."""
        return self.plugin_server.adapter.get(f"/v1/{self.mount}/static-roles/{name}")["data"]

    def reads_live(self, name, user=None):
        """Return whether a reader of the role gets the password that the vendor accepts."""
        stored = self.plugin_server.adapter.get(f"/v1/{self.mount}/static-creds/{name}")["data"]["password"]
        return stored == self.directory.vendor.live_password(self.users[user or name]).reveal()


@pytest.fixture
def site(plugin_server, stack, tmp_path):
    """Return a site with the built plug-in beside its file."""
    shutil.copy(plugin_server.built.path, tmp_path / "lockstep-plugin")
    return Site(plugin_server, plugin_server.directory(stack), tmp_path, plugin_server.name("declared"))


def test_what_the_file_no_longer_says_goes_back_to_its_default(site):
    """Evidence, window, hosts and lock-out that were taken out of the file are gone from the server, by one install."""
    site.declare(
        connection='minimum_evidence = "ACCEPTED"\nwindow = "Sat 02:00-03:00 UTC"\nlockout = "9/9"\n'
        "propagation_seconds = 7\ndeadline_seconds = 90\n"
    )
    assert site.run("install")[0] == 0
    before = site.config()["connection_details"]
    assert (before["window"], before["lockout"], before["deadline_seconds"]) == ("Sat 02:00-03:00 UTC", "9/9", 90)
    site.declare()
    code, steps = site.run("install")
    after = site.config()["connection_details"]
    assert code == 0
    assert before.keys() - after.keys() == {"minimum_evidence", "window", "lockout", "propagation_seconds"}
    assert after["deadline_seconds"] == 60
    assert steps["vendor"]["why"] == (
        "changes: deadline_seconds; back to default: lockout, minimum_evidence, propagation_seconds, window"
    )


def test_a_plan_is_shown_before_it_is_carried_out(site):
    """A dry run names each step and writes nothing."""
    site.declare(site.user(site.plugin_server.name("ann")))
    code, planned = site.run("install", "--dry-run")
    assert code == 0
    assert {(each["outcome"], each["done"]) for each in planned.values()} <= {("created", False), ("unchanged", False)}
    assert f"{site.mount}/" not in site.plugin_server.client.sys.list_mounted_secrets_engines()["data"]
    _, steps = site.run("install")
    assert {name: each["outcome"] for name, each in planned.items()} == {
        name: each["outcome"] for name, each in steps.items()
    }
    assert {each["done"] for each in steps.values()} == {True}


def test_a_role_outside_of_the_file_keeps_its_readers_until_it_is_pruned(site):
    """A role that was taken out, and one that somebody else made, stay readable and rotate until ``--prune``."""
    ann, bob, carl = (site.user(site.plugin_server.name(name)) for name in ("ann", "bob", "carl"))
    site.declare(ann, bob)
    assert site.run("install")[0] == 0
    body = {"db_name": "vendor", "username": carl, "rotation_statements": [f"user_id={site.users[carl]}"]}
    body["credential_config"] = site.role(bob)["credential_config"]
    allowed = {"allowed_roles": [*site.config()["allowed_roles"], carl]}
    site.plugin_server.adapter.post(f"/v1/{site.mount}/config/vendor", json=allowed)
    site.plugin_server.adapter.post(f"/v1/{site.mount}/static-roles/{carl}", json={**body, "rotation_period": 3600})

    site.declare(ann)
    code, steps = site.run("install")
    assert code == 0
    assert {name: steps[name]["outcome"] for name in (ann, bob, carl)} == {ann: "unchanged", bob: "kept", carl: "kept"}
    assert all(site.reads_live(name) for name in (ann, bob, carl))

    with pytest.raises(ConfigError, match="the file has the roles to remove"):
        site.run("install", "--prune", ann)
    _, planned = site.run("install", "--prune", bob, "--dry-run")
    assert (planned[bob]["outcome"], site.reads_live(bob)) == ("removed", True)
    code, steps = site.run("install", "--prune", bob)
    assert (code, steps[bob]["outcome"], steps[carl]["outcome"]) == (0, "removed", "kept")
    with pytest.raises(hvac.exceptions.InvalidPath):
        site.role(bob)
    assert sorted(site.config()["allowed_roles"]) == sorted([ann, carl])
    assert all(site.reads_live(name) for name in (ann, carl))


def test_a_role_does_not_change_its_account_and_no_account_gets_a_second_role(site):
    """Options of another account are refused, in place and under a new name; the other roles are installed."""
    ann, bob, carl = (site.user(site.plugin_server.name(name)) for name in ("ann", "bob", "carl"))
    site.declare(ann)
    assert site.run("install")[0] == 0
    stored = site.directory.vendor.live_password(site.users[ann])

    site.declare(ann, carl, of={ann: bob})
    code, steps = site.run("install")
    assert (code, steps[ann]["outcome"], steps[carl]["outcome"]) == (1, "failed", "created")
    assert "another account" in steps[ann]["why"]
    assert site.role(ann)["rotation_statements"] == [f"user_id={site.users[ann]}"]
    assert site.directory.vendor.live_password(site.users[ann]) == stored

    site.declare("renamed", carl, of={"renamed": ann})
    code, steps = site.run("install")
    assert (code, steps["renamed"]["outcome"], steps[ann]["outcome"]) == (1, "failed", "kept")
    code, steps = site.run("install", "--prune", ann)
    assert (code, steps["renamed"]["outcome"]) == (0, "created")
    assert site.reads_live("renamed", ann)

    site.declare("one", "two", of={"one": ann, "two": ann})
    with pytest.raises(SettingsError, match=r"\[roles.two\] is the account of \[roles.one\]"):
        site.run("install")


def test_one_bad_role_stops_neither_the_installation_nor_the_comparison(site):
    """A role whose user is unknown to the vendor fails alone; ``status`` calls it missing and compares the others."""
    good = site.user(site.plugin_server.name("good"))
    site.declare("bad", good)
    code, steps = site.run("install")
    assert (code, steps["bad"]["outcome"], steps[good]["outcome"]) == (1, "failed", "created")
    assert site.reads_live(good)
    code, found = site.run("status")
    assert (code, found["bad"]["finding"], found[good]["finding"]) == (4, "missing", "unknown")


def test_a_connection_that_fails_takes_only_its_own_roles_with_it(site):
    """Roles of a connection that cannot be written are not tried, and say why."""
    ann = site.user(site.plugin_server.name("ann"))
    site.declare(ann)
    assert site.run("install")[0] == 0
    body = {"driver": "ucloud_compshare", "public_key": "k", "private_key": "s", "access_key": ""}
    site.plugin_server.adapter.post(f"/v1/{site.mount}/config/vendor", json={**body, "verify_connection": False})
    code, steps = site.run("install")
    assert (code, steps["vendor"]["outcome"], steps[ann]["outcome"]) == (1, "failed", "failed")
    assert "is of driver ucloud_compshare" in steps["vendor"]["why"]
    assert steps[ann]["why"] == "needs connection vendor"


def test_a_wrong_admin_credential_does_not_replace_a_good_one(site):
    """The server verifies a connection at the vendor before it keeps it, and the roles go on with the former key."""
    ann = site.user(site.plugin_server.name("ann"))
    site.declare(ann)
    assert site.run("install")[0] == 0
    before = site.role(ann)["last_vault_rotation"]
    (site.folder / "admin.json").write_text(
        json.dumps({"access_key": site.directory.vendor.credentials.access_key, "secret_key": "not-the-key"})
    )
    code, steps = site.run("install")
    assert (code, steps["vendor"]["outcome"], steps[ann]["outcome"]) == (1, "failed", "failed")
    assert "admin_rejected" in steps["vendor"]["why"]
    site.declare(ann)
    assert site.run("rotate", ann)[0] == 0
    assert site.role(ann)["last_vault_rotation"] != before


def test_a_team_without_the_catalog_installs_in_its_namespace(site):
    """With ``register = false`` everything but the catalog is installed; without it the refusal says so."""
    site.namespace = site.plugin_server.name("team")
    site.plugin_server.adapter.post(f"/v1/sys/namespaces/{site.namespace}")
    ann = site.user(site.plugin_server.name("ann"))
    site.declare(ann)
    code, steps = site.run("install")
    assert (code, steps[ann]["outcome"]) == (1, "failed")
    assert "register = false" in steps["plugin"]["hint"]
    site.plugin_server.adapter.put(
        f"/v1/sys/plugins/catalog/database/{site.mount}",
        json={"sha256": site.plugin_server.built.sha256, "command": "lockstep-plugin", "version": "v0.1.0"},
    )
    site.declare(ann, plugin="register = false\n")
    code, steps = site.run("install")
    assert (code, steps[ann]["outcome"]) == (0, "created")
    code, again = site.run("install")
    assert (code, again[ann]["outcome"]) == (0, "unchanged")
