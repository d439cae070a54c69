"""``examples/vault/mirror-policy.hcl`` is enough for the function with a mirror, and nothing in it can go."""

from pathlib import Path

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreDenied
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault import acl
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.functions.mirrored import SECONDS
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.mirror import bring_forward
from vault_plugin.mirror_link import require_kv_link

RULES = acl.read(Path(__file__).parents[3] / "examples" / "vault" / "mirror-policy.hcl")
CAPABILITIES = acl.capabilities(RULES)


@pytest.fixture
def mirror(is_valid, approle, corner):
    """Return a function that makes and updates a mirror under a policy, and says whether all of it was done."""

    def run(rules):
        rules = {path.replace("/mirror/", f"/{corner}/"): kept for path, kept in rules.items()}
        environment = approle(acl.written(rules), token_no_default_policy=True)
        clock = VirtualClock()
        secret = MemorySecret(now=clock.now)
        with Login(VaultSettings.from_environment(environment), clock=clock) as login, login.kv(seconds=SECONDS) as kv:
            for number in (1, 2):
                secret.put(f"v{number}", SecretDocument({"password": f"value {number}"}), "AWSCURRENT")
                try:
                    require_kv_link(kv, f"{corner}/app", "the source")
                    assert bring_forward(MemoryStore(secret), VaultKv(kv, f"{corner}/app", clock=clock))
                except StoreDenied:
                    return False
            token = login._token
        return not is_valid(token)

    return run


def test_the_policy_is_enough(mirror):
    """Under the policy a mirror is made and updated, and no token is left behind."""
    assert len(CAPABILITIES) == 5
    assert mirror(RULES) is True


@pytest.mark.parametrize(("path", "capability"), CAPABILITIES, ids=lambda value: value)
def test_nothing_in_the_policy_can_go(mirror, path, capability):
    """Without any one capability not all of it is done."""
    assert mirror(acl.without(RULES, path, capability)) is False
