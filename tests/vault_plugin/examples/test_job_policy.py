"""``examples/vault/policy.hcl`` is enough for the job, and nothing in it can go."""

from pathlib import Path

import pytest

from rotation.core.errors import RotationError
from rotation_testkit.doubles.vault import acl
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, VOLCENGINE
from vault_plugin.job.due_secrets import DueSecretsJob
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings

RULES = acl.read(Path(__file__).parents[3] / "examples" / "vault" / "policy.hcl")
CAPABILITIES = acl.capabilities(RULES)
ROLE = {"token_no_default_policy": True, "token_ttl": "520s", "token_max_ttl": "1h", "secret_id_num_uses": 1}
"""Half a minute later the token's time is too short for a rotation (four steps of two minutes and a margin)."""


@pytest.fixture
def job(is_valid, approle, corner):
    """Return a function that runs the whole job by AppRole under a policy.

    It returns each outcome and whether a token is left behind, or the code of the error that ended everything.
    """

    def run(started, rules):
        rules = {path.replace("prod/", f"{corner}/"): kept for path, kept in rules.items()}
        environment = started.environment() | approle(acl.written(rules), **ROLE)
        clock = started.world.clock
        with Login(VaultSettings.from_environment(environment), clock=clock) as login:
            choices = {"connect": lambda seconds: login.kv(seconds=seconds), "attempts": 1, "jobs": 1}
            made = DueSecretsJob(deployment=started.deployment, clock=clock, **choices)
            try:
                plan = made.plan(f"{corner}/apps")
                clock.sleep(30)
                outcomes = {each.path.rpartition("/")[2]: each.outcome for each in made.run(plan)}
            except RotationError as error:
                return error.code
            token = login._token
        return outcomes, token is not None and is_valid(token)

    return run


def test_the_policy_is_enough(real, job):
    """The job finds and rotates two accounts, one with an admin credential, and leaves no token behind."""
    assert len(CAPABILITIES) == 8
    with real(holding=(HUAWEI, UCLOUD), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(31 * 86_400)
        assert job(started, RULES) == ({HUAWEI: "promoted", UCLOUD: "promoted"}, False)
        assert all(started.heals(account) for account in (HUAWEI, UCLOUD))


def test_the_admin_credential_of_another_driver_is_not_read(real, job):
    """An account whose driver's admin credential the policy does not name is not rotated."""
    with real(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(31 * 86_400)
        assert job(started, RULES) == ({HUAWEI: "promoted", VOLCENGINE: "store_denied"}, False)
        assert started.world.changes(VOLCENGINE) == 0


@pytest.mark.parametrize(("path", "capability"), CAPABILITIES, ids=lambda value: value)
def test_nothing_in_the_policy_can_go(real, job, path, capability):
    """Without any one capability the job does not do all of its work for an account with an admin credential."""
    with real(holding=(UCLOUD,), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(31 * 86_400)
        assert job(started, acl.without(RULES, path, capability)) != ({UCLOUD: "promoted"}, False)
