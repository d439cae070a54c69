"""What would be noticed after the reset is noticed before it, by the same list in a dry run and in a rotation."""

import pytest

from rotation.core.secret import Secret
from rotation.doctor.dry_run import Status
from rotation.stores.vault_kv import JOURNAL_SUFFIX, HvacKv
from rotation_testkit.doubles.vault import acl
from rotation_testkit.sandbox.sandbox import VOLCENGINE
from vault_plugin.job.inspection import dry_run
from vault_plugin.job.kv_rotation import JobContext, KvRotation
from vault_plugin.job.mirroring import with_mirror
from vault_plugin.job.schedule import Wishes


def outcomes(started, kv, wrap=None):
    """Return what the dry run says, by check, and how a rotation then ends."""
    path = started.path(VOLCENGINE)
    context = JobContext(kv=kv, deployment=started.deployment, clock=started.world.clock, wrap_store=wrap)
    wishes = Wishes.parse(started.kv.read(path).custom)
    checks = {check.name: check for check in dry_run(context, path)}
    done = KvRotation(context=context, path=path, wishes=wishes, ordered=True).run(attempts=1)
    return checks, done


@pytest.mark.parametrize("denied", ["", JOURNAL_SUFFIX])
def test_a_token_that_may_not_write_is_refused_before_the_reset(real, openbao, corner, denied):
    """Without the right to write the secret or its journal, nothing is sent to the vendor."""
    with real(holding=(VOLCENGINE,)) as started:
        path = f"secret/data/{started.path(VOLCENGINE)}{denied}"
        rules = {f"secret/data/{started.folder}/*": ["create", "read", "update"], path: ["read"]}
        openbao.client().sys.create_or_update_policy(corner, acl.written(rules))
        token = openbao.client().auth.token.create(policies=[corner])["auth"]["client_token"]
        checks, done = outcomes(started, HvacKv(openbao.client(Secret(token)), "secret"))
        assert checks["store_write"].status is Status.STOPS
        assert done.outcome == "store_denied"
        assert f"secret/data/{started.path(VOLCENGINE)}{denied}" in done.error.message
        assert (started.world.changes(VOLCENGINE), started.heals(VOLCENGINE)) == (0, True)


def test_a_mirror_that_does_not_exist_is_noticed_before_the_reset(real):
    """The dry run names it, and the rotation sends nothing."""
    with real(holding=(VOLCENGINE,)) as started:
        started.wish(VOLCENGINE, mirror="lockstep/no-such-mirror")
        client = started.world.secrets_manager.client(direct=True)
        wrap = with_mirror({"LOCKSTEP_MIRROR_PREFIX": "lockstep/"}, lambda: client)
        checks, done = outcomes(started, started.kv, wrap)
        assert checks["mirror"].status is Status.STOPS
        assert checks["store_write"].status is Status.READY
        assert (done.outcome, done.error.message.startswith("the mirror: ")) == ("secret_not_found", True)
        assert (started.world.changes(VOLCENGINE), started.heals(VOLCENGINE)) == (0, True)
