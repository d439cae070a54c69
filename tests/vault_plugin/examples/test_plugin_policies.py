"""``examples/vault/plugin-*.hcl`` are enough for the plug-in's commands, and nothing in them can go."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import hvac
import pytest

from rotation.core.clock import SystemClock
from rotation.core.errors import StoreDenied
from rotation_testkit.doubles.vault import acl
from rotation_testkit.sandbox.static_roles import OLD
from vault_plugin.provision.declaration import load
from vault_plugin.provision.install import install, policy_name
from vault_plugin.provision.rotate import rotate as rotate_now
from vault_plugin.provision.server import Server
from vault_plugin.provision.status import role_statuses

EXAMPLES = Path(__file__).parents[3] / "examples" / "vault"
RULES = {name: acl.read(EXAMPLES / f"plugin-{name}.hcl") for name in ("install", "rotate")}


@dataclass
class Site:
    """A vendor's user for a role, and tokens with one policy each."""

    plugin_server: object
    directory: object
    folder: Path
    mount: str

    def wanted(self, file, period):
        """Write the declarative file, with a plug-in file of that name."""
        for folder in (self.plugin_server.server.plugins, self.folder):
            shutil.copy(self.plugin_server.built.path, folder / file)
        plugin = {"name": self.mount, "file": file, "mount": self.mount, "tick_seconds": 1}
        path = self.directory.declare(self.folder, plugin, "bob", period=period)
        return load(path)

    def server(self, allowed):
        """Return the server under a policy."""
        name = self.plugin_server.name("policy")
        rules = {
            path if path.startswith("sys/plugins") else path.replace("database", self.mount): kept
            for path, kept in allowed.items()
        }
        self.plugin_server.client.sys.create_or_update_acl_policy(name, acl.written(rules))
        made = self.plugin_server.client.auth.token.create(policies=[name], no_default_policy=True)
        return Server(hvac.Client(self.plugin_server.server.address, token=made["auth"]["client_token"]))

    def under(self, allowed, work):
        """Do something under a policy; return whether it was allowed."""
        with self.server(allowed) as server:
            try:
                return work(server)
            except StoreDenied:
                return False

    def install_twice(self, server):
        """Install, change everything in the file or on the server, and install again; return whether nothing failed."""
        first = self.wanted("first", 3600)
        policy = f"/v1/sys/policies/password/{policy_name(first.role('bob'))}"
        self.plugin_server.adapter.delete(policy)
        if not installed(server, first):
            return False
        weaker = 'length = 20\nrule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }'
        self.plugin_server.adapter.put(policy, json={"policy": weaker})
        if not installed(server, self.wanted("second", 7200)):
            return False
        former = f"/v1/{self.mount}/static-roles/former"
        username = self.plugin_server.name("carl")
        body = {"db_name": "vendor", "username": username, "rotation_period": 3600}
        body["credential_config"] = {"password_policy": policy_name(first.role("bob"))}
        user = self.directory.vendor.add_user(username, OLD).user_id
        self.plugin_server.adapter.post(f"/v1/{self.mount}/config/vendor", json={"allowed_roles": "*"})
        self.plugin_server.adapter.post(former, json={**body, "rotation_statements": [f"user_id={user}"]})
        return installed(server, self.wanted("second", 7200), prune=("former",))

    def rotate_and_compare(self, server):
        """Have the role rotated, and compare what is stored."""
        wanted = self.wanted("second", 7200)
        rotate_now(server, wanted, wanted.role("bob"), SystemClock(), patience=100.0)
        return all(each.finding != "failed" for each in role_statuses(server, wanted))


def installed(server, wanted, **choices):
    """Install; return whether no step failed."""
    return all(step.outcome != "failed" for step in install(server, wanted, **choices))


@pytest.fixture
def site(plugin_server, stack, tmp_path):
    """Return a vendor with a user, and a name for everything that is installed."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    return Site(plugin_server, directory, tmp_path, plugin_server.name("allowed"))


pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets("file admin.json", reason="the operator's own file with the admin credential"),
]


def test_the_policies_are_enough(site):
    """The policies allow to install, to install changes, to rotate and to compare."""
    assert site.under(RULES["install"], site.install_twice) is True
    assert site.under(RULES["rotate"], site.rotate_and_compare) is True
    assert site.directory.vendor.resets(site.directory.ids["bob"]) >= 3


@pytest.mark.long
@pytest.mark.parametrize(
    ("rules", "path", "capability"),
    [(rules, *each) for rules in ("install", "rotate") for each in acl.capabilities(RULES[rules])],
)
def test_nothing_in_the_policies_can_go(site, rules, path, capability):
    """Without any one capability not everything is installed, or a role cannot be rotated or compared."""
    if rules == "rotate":
        site.install_twice(Server(site.plugin_server.client))
    work = {"install": site.install_twice, "rotate": site.rotate_and_compare}[rules]
    assert site.under(acl.without(RULES[rules], path, capability), work) is False
