"""The commands against the real server: install every ADMIN driver's roles from one file, compare, rotate on demand."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress, UCloudCompShare
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from vault_plugin.cli.plugin import plugin_app

VENDOR_POLICIES = vendor_policies()

OLD = Secret("Old-Passw0rd-1234!")

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.shows_secrets(
        *(f"file {name}.json" for name in ("ucloud", "tencent", "volcengine", "admin")),
        reason="the operator's own files with the admin credentials",
    ),
]


@dataclass
class Site:
    """Three vendors with one account each, and the file that makes static roles of them."""

    folder: Path
    ucloud: UCloudCompShare
    tencent: TencentBm
    volcengine: VolcengineCloudIdentity
    user_id: str
    environment: dict[str, str]

    def live(self, role: str) -> Secret | None:
        """What the vendor takes now."""
        if role == "container":
            return self.ucloud.guest_password("uhost-1")
        if role == "device":
            return self.tencent.guest_password("cpm-1")
        return self.volcengine.live_password(self.user_id)

    def run(self, *arguments: str) -> tuple[int, list[dict[str, str]]]:
        """Run a command with --json and return its exit code and lines."""
        file = ["--file", str(self.folder / "lockstep.toml")]
        result = CliRunner().invoke(
            plugin_app, [*arguments, *file, "--json"], env=self.environment, standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        return int(result.return_value or 0), [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def site(plugin_server, tmp_path: Path, stack) -> Site:
    """The vendors, the SSH hosts behind them, the built plug-in and the declarative file."""
    ucloud, tencent, volcengine = UCloudCompShare(), TencentBm(), VolcengineCloudIdentity()
    container = stack.enter_context(SshHost(ucloud.guest_login("uhost-1")))
    device = stack.enter_context(SshHost(tencent.guest_login("cpm-1")))
    urls = [stack.enter_context(each.serve()) for each in (ucloud, tencent, volcengine)]
    instance = ucloud.add_instance("uhost-1", password=OLD, ssh=SshAddress("root", container.host, container.port))
    metal = tencent.add_device("cpm-1", password=OLD)
    metal.lan_ip, metal.wan_ip = device.host, device.host
    user = volcengine.add_user("bob", OLD)
    admins = {
        "ucloud": {
            "public_key": ucloud.credentials.public_key,
            "private_key": ucloud.credentials.private_key.reveal(),
        },
        "tencent": {
            "secret_id": tencent.credentials.secret_id,
            "secret_key": tencent.credentials.secret_key.reveal(),
            "api": "v3",
        },
        "volcengine": {
            "access_key": volcengine.credentials.access_key,
            "secret_key": volcengine.credentials.secret_key.reveal(),
        },
    }
    for name, admin in admins.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(admin))
    for folder in (plugin_server.server.plugins, tmp_path):
        shutil.copy(plugin_server.built.path, folder / "lockstep-site")
    codes = {"ucloud": "ucloud_compshare", "tencent": "tencent_bm", "volcengine": "volcengine_cloudidentity"}
    connections = "".join(
        f'[connections.{name}]\ndriver = "{code}"\nadmin = "{name}.json"\nendpoint = "{url}"\n'
        f'hosts = "{url.removeprefix("http://")}"\npropagation_seconds = 0\n'
        for (name, code), url in zip(codes.items(), urls, strict=True)
    )
    mount = plugin_server.name("site")
    (tmp_path / "lockstep.toml").write_text(
        f'[plugin]\nname = "{mount}"\nfile = "lockstep-site"\nmount = "{mount}"\ntick_seconds = 1\n{connections}'
        f'[roles.container]\nconnection = "ucloud"\nusername = "root"\nperiod = 3600\npolicy = "container"\n'
        f'[roles.container.options]\nregion = "{instance.region}"\nzone = "{instance.zone}"\nuhost_id = "uhost-1"\n'
        f'host_key = "{container.host_key}"\n'
        f'[roles.device]\nconnection = "tencent"\nusername = "root"\nperiod = 3600\npolicy = "linux"\n'
        f'[roles.device.options]\nregion = "ap-beijing"\ninstance_id = "cpm-1"\nssh_port = {device.port}\n'
        f'host_key = "{device.host_key}"\n'
        f'[roles.user]\nconnection = "volcengine"\nusername = "bob"\nperiod = 3600\n'
        f'[roles.user.options]\nuser_id = "{user.user_id}"\n'
    )
    environment = {"VAULT_ADDR": plugin_server.server.address, "VAULT_TOKEN": plugin_server.server.root_token.reveal()}
    return Site(tmp_path, ucloud, tencent, volcengine, user.user_id, environment)


def test_every_admin_drivers_role_is_installed_compared_and_rotated(site: Site, plugin_server) -> None:
    """Install creates everything, again it changes nothing; rotate changes each password; status finds them equal."""
    code, deeds = site.run("install")
    assert code == 0
    assert {(each["what"], each["outcome"]) for each in deeds} == {
        (what, "created") for what in ("plugin", "secrets engine", "password policy", "connection", "role")
    } | {("password policy", "created")}
    assert [each["name"] for each in deeds if each["what"] == "role"] == ["container", "device", "user"]

    _, again = site.run("install")
    assert {each["outcome"] for each in again if each["what"] != "connection"} == {"unchanged"}
    assert {each["outcome"] for each in again if each["what"] == "connection"} == {"written"}

    mount = deeds[1]["name"]
    for role in ("container", "device", "user"):
        first = site.live(role)
        assert first != OLD
        code, [done] = site.run("rotate", role)
        assert (code, done["role"]) == (0, role)
        assert site.live(role) not in (OLD, first)
        kept = plugin_server.adapter.get(f"/v1/{mount}/static-roles/{role}")["data"]
        assert kept["rotation_period"] == 3600
        stored = plugin_server.adapter.get(f"/v1/{mount}/static-creds/{role}")["data"]["password"]
        assert Secret(stored) == site.live(role)
    code, found = site.run("status")
    assert {each["role"]: (each["finding"], each["how"]) for each in found} == {
        "container": ("equal", "login"),
        "device": ("equal", "login"),
        "user": ("unknown", ""),
    }
    assert code == 0
    assert site.ucloud.resets("uhost-1") == 2
    assert site.tencent.resets("cpm-1") == 2

    # Somebody changes a password by hand: status says so and exits with 1.
    site.ucloud.instance("uhost-1").guest = VENDOR_POLICIES["ucloud_compshare"]["container"].generate()
    code, found = site.run("status")
    assert (code, found[0]["finding"]) == (1, "different")


def test_a_rotation_on_demand_that_was_killed_is_set_right_by_the_next_run(
    plugin_server, stack, tmp_path: Path
) -> None:
    """Killed between shortening and setting back, a role rotates no faster than it was old, until install runs."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    admin = tmp_path / "admin.json"
    key = directory.vendor.credentials
    admin.write_text(json.dumps({"access_key": key.access_key, "secret_key": key.secret_key.reveal()}))
    url = plugin_server.adapter.get(f"/v1/{directory.mount}/config/vendor")["data"]["connection_details"]["endpoint"]
    (tmp_path / "lockstep.toml").write_text(
        f'[plugin]\nname = "lockstep"\nfile = "{plugin_server.built.path}"\nmount = "{directory.mount}"\n'
        f'[connections.vendor]\ndriver = "volcengine_cloudidentity"\nadmin = "admin.json"\nendpoint = "{url}"\n'
        f'hosts = "{url.removeprefix("http://")}"\n'
        f'[roles.bob]\nconnection = "vendor"\nusername = "bob"\nperiod = 3600\n'
        f'options = {{ user_id = "{directory.ids["bob"]}" }}\n'
    )
    site = Site(
        tmp_path,
        UCloudCompShare(),
        TencentBm(),
        directory.vendor,
        directory.ids["bob"],
        {"BAO_ADDR": plugin_server.server.address, "BAO_TOKEN": plugin_server.server.root_token.reveal()},
    )
    directory.set_period("bob", 900)  # what a killed run leaves behind
    _, deeds = site.run("install")
    assert {each["name"]: each["outcome"] for each in deeds if each["what"] == "role"} == {"bob": "changed"}
    assert plugin_server.adapter.get(f"/v1/{directory.mount}/static-roles/bob")["data"]["rotation_period"] == 3600
    before = directory.last("bob")
    role = f"{directory.mount}/static-roles/bob"
    site.environment["BAO_TOKEN"] = _token(plugin_server, f'path "{role}" {{ capabilities = ["read", "update"] }}')
    site.run("rotate", "bob")
    assert directory.last("bob") != before
    assert directory.equal("bob")
    creds = f"{directory.mount}/static-creds/bob"
    rights = [f'path "{path}" {{ capabilities = ["read"] }}' for path in (role, creds)]
    site.environment["BAO_TOKEN"] = _token(plugin_server, "\n".join(rights))
    _, [found] = site.run("status")
    assert found["finding"] == "unknown"  # this vendor lets nobody log in


def _token(plugin_server, policy: str) -> str:
    """A token that may do what the policy says."""
    name = plugin_server.name("policy")
    plugin_server.client.sys.create_or_update_acl_policy(name, policy)
    return plugin_server.client.auth.token.create(policies=[name], no_default_policy=True)["auth"]["client_token"]
