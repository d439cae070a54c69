"""A rotation that runs in this process: its token, its store, and its steps over the wire."""

import pytest

from rotation.cli.local_rotation import LocalRotation, UnattendedStore
from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict
from rotation.state.stages import PENDING
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

HUAWEI_ID = "lockstep/huawei_meeting"


def local(world, account=HUAWEI):
    """Return a rotation in this process that keeps the sandbox's time."""
    client = world.secrets_manager.client()
    return LocalRotation(client, world.accounts[account], world.environment(), clock=world.clock)


def test_an_admin_driver_proves_by_ssh(embedded):
    """The API key comes from its own secret, and the login check from the shared probe."""
    assert [report.error for report in local(embedded, UCLOUD).steps()] == [None] * 4
    assert embedded.stored(UCLOUD) == embedded.live(UCLOUD)
    assert embedded.ssh.rejected.total() == 0


def test_a_rotation_that_began_in_the_meantime_wins(embedded):
    """Once another rotation holds the pending stage, ours stages nothing and sends nothing."""
    ours, other = local(embedded), local(embedded)
    assert next(other.steps()).error is None
    (refused,) = ours.steps()
    assert refused.error.code == "stage_error"
    assert embedded.changes(HUAWEI) == 0
    assert list(embedded.secrets_manager.labels(HUAWEI_ID)).count(ours.token) == 0


def test_a_candidate_is_not_put_over_another_rotations(embedded):
    """The state right before the put decides, not an earlier one."""
    ours, other = local(embedded), local(embedded)
    store = AwsSecretsManager(embedded.secrets_manager.client(), HUAWEI_ID, clock=embedded.clock)
    unattended = UnattendedStore(store, ours.token)
    assert unattended.describe().holder(PENDING) == ours.token
    next(other.steps())
    with pytest.raises(StageConflict):
        unattended.stage(ours.token, SecretDocument({"password": "x"}))
    assert embedded.secrets_manager.value(HUAWEI_ID, version=ours.token) is None


def test_a_label_that_has_gone_is_not_pretended(embedded):
    """Once the candidate is staged, a pending label that was lost is not shown as ours."""
    ours = local(embedded)
    assert next(ours.steps()).error is None
    store = embedded.secrets_manager
    store.call("UpdateSecretVersionStage", SecretId=HUAWEI_ID, VersionStage=PENDING, RemoveFromVersionId=ours.token)
    *_, last = ours.steps()
    assert last.error.code == "stage_error"
    assert embedded.changes(HUAWEI) == 0
