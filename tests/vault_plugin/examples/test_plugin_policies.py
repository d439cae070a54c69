"""``examples/vault/plugin-*.hcl`` are enough for the plug-in's commands, and nothing in them can go."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import hvac
import pytest

from rotation.core.clock import SystemClock
from rotation.core.errors import StoreDenied
from vault_plugin.provision.declaration import DesiredState, load
from vault_plugin.provision.install import install, policy_name
from vault_plugin.provision.rotate import rotate as rotate_now
from vault_plugin.provision.server import Server
from vault_plugin.provision.status import role_statuses

EXAMPLES = Path(__file__).parents[3] / "examples" / "vault"
RULE = re.compile(r'path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}')

Rules = Mapping[str, list[str]]


def rules(name: str) -> dict[str, list[str]]:
    """Return an example's rules."""
    return {path: re.findall(r"\w+", listed) for path, listed in RULE.findall((EXAMPLES / f"{name}.hcl").read_text())}


INSTALL, ROTATE = rules("plugin-install"), rules("plugin-rotate")


def each_of(all_rules: Rules) -> list[tuple[str, str]]:
    """Return every capability with its path."""
    return [(path, one) for path, listed in all_rules.items() for one in listed]


def without(all_rules: Rules, path: str, capability: str) -> dict[str, list[str]]:
    """Return the rules less one capability."""
    less = {key: [one for one in kept if (key, one) != (path, capability)] for key, kept in all_rules.items()}
    return {key: kept or ["deny"] for key, kept in less.items()}


@dataclass
class Site:
    """A vendor's user as a role to be, and tokens with a policy each."""

    plugin_server: object
    directory: object
    folder: Path
    mount: str

    def wanted(self, file: str, period: int) -> DesiredState:
        """Write the declarative file, with a plug-in file of that name."""
        for place in (self.plugin_server.server.plugins, self.folder):
            shutil.copy(self.plugin_server.built.path, place / file)
        vendor = self.directory.vendor
        key = vendor.credentials
        admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
        (self.folder / "admin.json").write_text(json.dumps(admin))
        details = self.plugin_server.adapter.get(f"/v1/{self.directory.mount}/config/vendor")["data"][
            "connection_details"
        ]
        path = self.folder / "lockstep.toml"
        path.write_text(
            f'[plugin]\nname = "{self.mount}"\nfile = "{file}"\nmount = "{self.mount}"\ntick_seconds = 1\n'
            f'[connections.vendor]\ndriver = "volcengine_cloudidentity"\nadmin = "admin.json"\n'
            f'endpoint = "{details["endpoint"]}"\nhosts = "{details["hosts"]}"\n'
            f'[roles.bob]\nconnection = "vendor"\nusername = "bob"\nperiod = {period}\n'
            f'options = {{ user_id = "{self.directory.ids["bob"]}" }}\n'
        )
        return load(path)

    def server(self, allowed: Rules) -> Server:
        """Return the server under a policy."""
        name = self.plugin_server.name("policy")
        text = [
            f'path "{path.replace("database", self.mount) if not path.startswith("sys/plugins") else path}" '
            f"{{ capabilities = {json.dumps(kept)} }}"
            for path, kept in allowed.items()
        ]
        self.plugin_server.client.sys.create_or_update_acl_policy(name, "\n".join(text))
        made = self.plugin_server.client.auth.token.create(policies=[name], no_default_policy=True)
        return Server(hvac.Client(self.plugin_server.server.address, token=made["auth"]["client_token"]))

    def under(self, allowed: Rules, work: Callable[[Server], None]) -> bool:
        """Do something under a policy; say whether it was allowed."""
        server = self.server(allowed)
        try:
            work(server)
        except StoreDenied:
            return False
        finally:
            server.close()
        return True

    def install_twice(self, server: Server) -> None:
        """Install, change everything in the file or behind the command's back, and install again."""
        first = self.wanted("first", 3600)
        policy = f"/v1/sys/policies/password/{policy_name(first.role('bob'))}"
        self.plugin_server.adapter.delete(policy)
        list(install(server, first))
        weaker = 'length = 20\nrule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }'
        self.plugin_server.adapter.put(policy, json={"policy": weaker})
        list(install(server, self.wanted("second", 7200)))

    def rotate_and_compare(self, server: Server) -> None:
        """Have the role rotated, and compare what is stored."""
        wanted = self.wanted("second", 7200)
        rotate_now(server, wanted, wanted.role("bob"), SystemClock(), patience=100.0)
        list(role_statuses(server, wanted))


@pytest.fixture
def site(plugin_server, stack, tmp_path: Path) -> Site:
    """A vendor with a user, and a name for everything that is installed."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    return Site(plugin_server, directory, tmp_path, plugin_server.name("allowed"))


pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets("file admin.json", reason="the operator's own file with the admin credential"),
]


def test_the_policies_are_enough(site: Site) -> None:
    """Install, install what has changed, rotate, compare."""
    assert site.under(INSTALL, site.install_twice) is True
    assert site.under(ROTATE, site.rotate_and_compare) is True
    assert site.directory.vendor.resets(site.directory.ids["bob"]) >= 3


@pytest.mark.long
@pytest.mark.parametrize(("path", "capability"), each_of(INSTALL), ids=lambda value: value)
def test_nothing_in_the_installers_policy_can_go(site: Site, path: str, capability: str) -> None:
    """Without any one capability not everything is installed."""
    assert site.under(without(INSTALL, path, capability), site.install_twice) is False


@pytest.mark.long
@pytest.mark.parametrize(("path", "capability"), each_of(ROTATE), ids=lambda value: value)
def test_nothing_in_the_rotators_policy_can_go(site: Site, path: str, capability: str) -> None:
    """Without any one capability a role cannot be rotated or compared."""
    site.install_twice(Server(site.plugin_server.client))
    assert site.under(without(ROTATE, path, capability), site.rotate_and_compare) is False
