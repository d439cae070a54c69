"""``examples/vault/mirror-policy.hcl`` is enough for the function with a mirror, and nothing in it can go."""

from __future__ import annotations

import re
from pathlib import Path

import hvac
import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreDenied
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.functions.mirrored import SECONDS
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.mirror import bring_forward

POLICY = Path(__file__).parents[3] / "examples" / "vault" / "mirror-policy.hcl"
RULE = re.compile(r'path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}')
RULES = {path: re.findall(r'"(\w+)"', listed) for path, listed in RULE.findall(POLICY.read_text())}
CAPABILITIES = [(path, capability) for path, listed in RULES.items() for capability in listed]


@pytest.fixture
def mirror(openbao, corner):
    """Log in by AppRole under a policy, make a mirror and bring it forward; say whether all of it was done."""
    client = openbao.client()
    client.sys.enable_auth_method("approle", path=corner)
    approle = client.auth.approle

    def run(rules: dict[str, list[str]]) -> bool:
        text = [
            f'path "{path.replace("/mirror/", f"/{corner}/")}" {{ capabilities = {kept} }}'.replace("'", '"')
            for path, kept in rules.items()
        ]
        client.sys.create_or_update_policy(corner, "\n".join(text))
        approle.create_or_update_approle(
            "function", mount_point=corner, token_policies=[corner], token_no_default_policy=True
        )
        environment = {
            "VAULT_ADDR": openbao.address,
            "LOCKSTEP_VAULT_AUTH": "approle",
            "LOCKSTEP_VAULT_AUTH_MOUNT": corner,
            "LOCKSTEP_VAULT_ROLE_ID": approle.read_role_id("function", mount_point=corner)["data"]["role_id"],
            "LOCKSTEP_VAULT_SECRET_ID": approle.generate_secret_id("function", mount_point=corner)["data"]["secret_id"],
        }
        clock = VirtualClock()
        secret = MemorySecret(now=clock.now)
        source = MemoryStore(secret)
        with Login(VaultSettings.from_environment(environment), clock=clock) as login, login.kv(seconds=SECONDS) as kv:
            for number in (1, 2):
                secret.put(f"v{number}", SecretDocument({"password": f"value {number}"}), "AWSCURRENT")
                try:
                    assert bring_forward(source, VaultKv(kv, f"{corner}/app", clock=clock))
                except StoreDenied:
                    return False
            token = login._token
        assert token is not None
        try:
            client.auth.token.lookup(token.value.reveal())
        except hvac.exceptions.VaultError:
            return True
        return False

    yield run
    client.sys.disable_auth_method(corner)
    client.sys.delete_policy(corner)


def test_the_policy_is_enough(mirror) -> None:
    """A mirror is made, brought forward, and no token is left behind."""
    assert len(CAPABILITIES) == 4
    assert mirror(RULES) is True


@pytest.mark.parametrize(("path", "capability"), CAPABILITIES, ids=lambda value: value)
def test_nothing_in_the_policy_can_go(mirror, path, capability) -> None:
    """Without any one capability not all of it is done."""
    rules = {each: [one for one in kept if (each, one) != (path, capability)] for each, kept in RULES.items()}
    assert mirror({each: kept or ["deny"] for each, kept in rules.items()}) is False
