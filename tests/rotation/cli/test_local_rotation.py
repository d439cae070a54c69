"""A rotation that runs in this process: its token, its store, and its steps over the wire."""

import threading

import pytest

from rotation.cli import local_rotation
from rotation.cli.exit_codes import WAITS, exit_code
from rotation.cli.local_rotation import LocalRotation, UnattendedStore
from rotation.core.document import SecretDocument
from rotation.core.errors import InProgress
from rotation.state.stages import PENDING
from rotation.stores.aws.client import secrets_manager
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
    assert (refused.error.code, exit_code(refused.error)) == ("in_progress", WAITS)
    assert "another rotation of this secret has begun; nothing was sent" in refused.error.message
    assert not ours.reset_may_be_sent()
    assert embedded.changes(HUAWEI) == 0
    assert list(embedded.secrets_manager.labels(HUAWEI_ID)).count(ours.token) == 0


def test_a_candidate_is_not_put_over_another_rotations(embedded):
    """The state right before the put decides, not an earlier one."""
    ours, other = local(embedded), local(embedded)
    store = AwsSecretsManager(embedded.secrets_manager.client(), HUAWEI_ID)
    unattended = UnattendedStore(store, ours.token)
    assert unattended.describe().holder(PENDING) == ours.token
    next(other.steps())
    with pytest.raises(InProgress, match="another rotation of this secret has begun; nothing was sent"):
        unattended.stage(ours.token, SecretDocument({"password": "x"}))
    assert embedded.secrets_manager.value(HUAWEI_ID, version=ours.token) is None


def test_no_candidate_is_staged_for_a_value_that_another_rotation_has_replaced(embedded):
    """Where two accounts take turns it would be for the wrong one, and each later run would fail with it."""
    ours, other = local(embedded), local(embedded)
    unattended = UnattendedStore(AwsSecretsManager(embedded.secrets_manager.client(), HUAWEI_ID), ours.token)
    assert unattended.describe().holder(PENDING) == ours.token
    assert [report.error for report in other.steps()] == [None] * 4
    with pytest.raises(InProgress, match="another value became current while the candidate was made; nothing was sent"):
        unattended.stage(ours.token, SecretDocument({"password": "x"}))
    assert embedded.secrets_manager.value(HUAWEI_ID, version=ours.token) is None


def test_a_rotation_that_begins_right_before_the_put_wins(embedded):
    """Our own createSecret, which has seen no other, says so instead of anything about its candidate."""
    ours, other = local(embedded), local(embedded)
    begun = []

    def begin(call):
        if call.operation == "GetSecretValue" and not begun:
            begun.append(True)
            next(other.steps())

    embedded.secrets_manager.faults.after(None, begin)
    (refused,) = ours.steps()
    assert "another rotation of this secret has begun; nothing was sent" in refused.error.message
    assert exit_code(refused.error) == WAITS
    assert [report.error for report in other.steps()] == [None] * 4
    assert embedded.changes(HUAWEI) == 1


def test_a_label_that_has_gone_is_not_pretended(embedded):
    """Once the candidate is staged, a pending label that was lost is not shown as ours."""
    ours = local(embedded)
    assert next(ours.steps()).error is None
    store = embedded.secrets_manager
    store.call("UpdateSecretVersionStage", SecretId=HUAWEI_ID, VersionStage=PENDING, RemoveFromVersionId=ours.token)
    *_, last = ours.steps()
    assert last.error.code == "stage_error"
    assert embedded.changes(HUAWEI) == 0


def test_a_silent_store_ends_a_step_before_its_time_is_over(embedded, monkeypatch):
    """The step says so, in place of waiting for every retry; what it began is found by the next run."""
    for name, value in embedded.environment().items():
        monkeypatch.setenv(name, value)
    rotation = LocalRotation(secrets_manager(), HUAWEI_ID, embedded.environment(), clock=embedded.clock)
    over, reports = threading.Event(), []
    for report in rotation.steps():
        reports.append(report)
        if report.step.value == "testSecret":
            embedded.secrets_manager.faults.before("UpdateSecretVersionStage", lambda _: over.wait(20) and None)
            monkeypatch.setattr(local_rotation, "STEP_SECONDS", 2.4)
    over.set()
    assert (reports[-1].step.value, reports[-1].outcome) == ("finishSecret", "store_unavailable")
    assert reports[-1].seconds < 2.4
