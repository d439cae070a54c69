"""``lockstep verify`` over the wire: the drift check that moves no label and sends no change."""

import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

HUAWEI_ID = "lockstep/huawei_meeting"


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_live_password_exits_0(lockstep, embedded, code):
    """The driver's own login or the shared SSH probe proves it, and no label is left behind."""
    name = embedded.accounts[code]
    before = embedded.secrets_manager.labels(name)
    ran = lockstep("verify", name, "--json")
    verified = {"secret_id": name, "outcome": "current_verified", "driver": code, "evidence": "LOGIN"}
    assert (ran.code, ran.objects) == (0, [verified])
    assert embedded.secrets_manager.labels(name) == before
    assert embedded.wrong_logins(code) == embedded.changes(code) == 0


def test_drift_exits_4_and_costs_one_charged_login(lockstep, embedded, put_by_hand):
    """The charge is the only thing that is written."""
    put_by_hand(HUAWEI_ID, "Drifted0Password0Drif")
    ran = lockstep("verify", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[0]["outcome"]) == (4, "drifted")
    assert "lockstep doctor" in ran.objects[0]["error"]["hint"]
    assert embedded.wrong_logins(HUAWEI) == 1
    labels = set().union(*embedded.secrets_manager.labels(HUAWEI_ID).values())
    assert [label.split(":")[1:3] for label in labels if label.startswith("lockstep:")] == [["rejected", "1"]]


def test_the_budget_ends_the_tries(lockstep, embedded, put_by_hand):
    """Of five tries two are left to people: the fourth check does not log in, and a rotation is parked, too."""
    put_by_hand(HUAWEI_ID, "Drifted0Password0Drif")
    codes = [lockstep("verify", HUAWEI_ID).code for _ in range(5)]
    assert codes == [4, 4, 4, 3, 3]
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[-1]["reason"]) == (3, "wrong_login_budget")
    assert (embedded.wrong_logins(HUAWEI), embedded.changes(HUAWEI)) == (3, 0)


def test_a_vendor_that_does_not_answer_is_no_drift(lockstep, embedded):
    """A lost answer fails the check and is charged, since the vendor may have counted a wrong login."""
    embedded.huawei.faults.add("POST /v1/usg/acs/auth/account", FaultKind.DROP_AFTER)
    ran = lockstep("verify", HUAWEI_ID)
    assert ran.code == 1
    assert "vendor_unavailable" in ran.err
    labels = set().union(*embedded.secrets_manager.labels(HUAWEI_ID).values())
    assert any(label.startswith("lockstep:rejected:1:") for label in labels)
    assert lockstep("verify", HUAWEI_ID).code == 0


def test_a_forged_parking_label_ends_in_no_internal_error(lockstep, embedded):
    """A label that parks the account until a year that no calendar has is not believed."""
    versions = embedded.secrets_manager.labels(HUAWEI_ID)
    (current,) = [version for version, labels in versions.items() if "AWSCURRENT" in labels]
    embedded.secrets_manager.call(
        "UpdateSecretVersionStage",
        SecretId=HUAWEI_ID,
        VersionStage="lockstep:parked:account_locked:999999999999@x",
        MoveToVersionId=current,
    )
    ran = lockstep("verify", HUAWEI_ID)
    assert (ran.code, "internal_error" in ran.err) == (0, False)
