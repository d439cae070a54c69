"""The job's login and the rest of its run reach servers on loopback directly, whatever the proxy variables say."""

from __future__ import annotations

from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from vault_plugin.mirror_link import TAG_KEY, vault_source

RULES = """
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list", "patch"] }
path "auth/token/renew-self" { capabilities = ["update"] }
"""


def test_a_rotation_by_approle_tells_the_proxy_nothing(cli, approle, proxy, monkeypatch):
    """Role id, secret id, token, admin key and passwords go to the server, the vendor and the host alone."""
    with cli(holding=(UCLOUD,)) as (started, run):
        for name, value in approle(RULES).items():
            monkeypatch.setenv(name, value)
        code, (record,) = run("rotate", started.path(UCLOUD), "--json")
        assert (code, record["outcome"], proxy.heard) == (0, "promoted", [])


def test_a_mirror_tells_the_proxy_nothing(cli, proxy, monkeypatch):
    """The value goes to an AWS endpoint on loopback directly, too."""
    with cli(holding=(HUAWEI,)) as (started, run):
        for key, value in started.world.environment().items():
            monkeypatch.setenv(key, value)
        tag = {"Key": TAG_KEY, "Value": vault_source(started.path(HUAWEI), {})}
        name = started.world.accounts[HUAWEI]
        started.world.secrets_manager.client().tag_resource(SecretId=name, Tags=[tag])
        code, (report,) = run("mirror", started.path(HUAWEI), "--json", f"--secret-id={name}")
        assert (code, report["found"], proxy.heard) == (0, "in_step", [])
