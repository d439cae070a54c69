"""``examples/vault/policy.hcl`` is enough for the job, and nothing in it can go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rotation.core.errors import RotationError
from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE
from vault_plugin.job.due_secrets import DueSecretsJob
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings

POLICY = Path(__file__).parents[3] / "examples" / "vault" / "policy.hcl"
RULE = re.compile(r'path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}')
RULES = {path: [each.strip(' "') for each in listed.split(",")] for path, listed in RULE.findall(POLICY.read_text())}
CAPABILITIES = [(path, capability) for path, listed in RULES.items() for capability in listed]
TTL = 520
"""Seconds. Half a minute later it is too little for a rotation (four steps of two minutes and a margin)."""


@pytest.fixture
def job(openbao, corner):
    """Run the whole job by AppRole under a policy; return each outcome, or the error that ended it all."""
    client = openbao.client()
    client.sys.enable_auth_method("approle", path=corner)
    role = client.auth.approle

    def run(started, rules):
        text = "\n".join(
            f'path "{path.replace("prod/", f"{corner}/")}" {{ capabilities = {list(kept)!r} }}'.replace("'", '"')
            for path, kept in rules.items()
        )
        client.sys.create_or_update_policy(corner, text)
        role.create_or_update_approle(
            "job",
            mount_point=corner,
            token_policies=[corner],
            token_no_default_policy=True,
            token_ttl=f"{TTL}s",
            token_max_ttl="1h",
            secret_id_num_uses=1,
        )
        environment = started.environment() | {
            "VAULT_ADDR": openbao.address,
            "LOCKSTEP_VAULT_AUTH": "approle",
            "LOCKSTEP_VAULT_AUTH_MOUNT": corner,
            "LOCKSTEP_VAULT_ROLE_ID": role.read_role_id("job", mount_point=corner)["data"]["role_id"],
            "LOCKSTEP_VAULT_SECRET_ID": role.generate_secret_id("job", mount_point=corner)["data"]["secret_id"],
        }
        clock = started.world.clock
        with Login(VaultSettings.from_environment(environment), clock=clock) as login:
            fleet = DueSecretsJob(
                connect=lambda seconds: login.kv(seconds=seconds),
                deployment=started.deployment,
                clock=clock,
                attempts=1,
                jobs=1,
            )
            try:
                plan = fleet.plan(f"{corner}/apps")
                clock.sleep(30)
                ended = {each.path.rpartition("/")[2]: each for each in fleet.run(plan)}
            except RotationError as error:
                return error.code
            accessor = login._token
        outcomes = {name: each.outcome for name, each in ended.items()}
        return outcomes, _lives(client, accessor)

    yield run
    client.sys.disable_auth_method(corner)
    client.sys.delete_policy(corner)


def _lives(client, token):
    if token is None:
        return False
    try:
        client.auth.token.lookup(token.value.reveal())
    except Exception:  # noqa: BLE001 - whatever it says, the token is gone
        return False
    return True


DONE = ({HUAWEI: "promoted", VOLCENGINE: "promoted"}, False)


def test_the_policy_is_enough(real, job):
    """Two accounts, one with an admin credential, found by their schedule; and no token is left behind."""
    assert len(CAPABILITIES) == 8
    with real(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(31 * 86_400)
        assert job(started, RULES) == DONE
        assert all(started.heals(account) for account in (HUAWEI, VOLCENGINE))


@pytest.mark.parametrize(("path", "capability"), CAPABILITIES, ids=lambda value: value)
def test_nothing_in_the_policy_can_go(real, job, path, capability):
    """Without any one capability the job does not do all of its work for an account with an admin credential."""
    rules = {each: [one for one in kept if (each, one) != (path, capability)] for each, kept in RULES.items()}
    with real(holding=(VOLCENGINE,), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(31 * 86_400)
        assert job(started, {each: kept or ["deny"] for each, kept in rules.items()}) != (
            {VOLCENGINE: "promoted"},
            False,
        )
