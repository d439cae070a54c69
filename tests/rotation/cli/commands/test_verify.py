"""``lockstep verify`` over the wire: the drift check that moves no label and sends no change."""

import sys

import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI, UCLOUD, VOLCENGINE, open_sandbox

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
    """The charge is written, and that this password was rejected; nothing else."""
    put_by_hand(HUAWEI_ID, "Drifted0Password0Drif")
    ran = lockstep("verify", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[0]["outcome"]) == (4, "drifted")
    assert "lockstep doctor" in ran.objects[0]["error"]["hint"]
    assert embedded.wrong_logins(HUAWEI) == 1
    labels = set().union(*embedded.secrets_manager.labels(HUAWEI_ID).values())
    ours = {label.split("@")[0].split(":")[1] for label in labels if label.startswith("lockstep:")}
    assert ours == {"rejected", "learnt"}


def test_what_a_label_says_is_not_asked_again(lockstep, embedded, put_by_hand):
    """Each check says the same and costs nothing, unless an operator spends a try; the next value is asked about."""
    put_by_hand(HUAWEI_ID, "Drifted0Password0Drif")
    codes = [lockstep("verify", HUAWEI_ID).code for _ in range(4)]
    assert (codes, embedded.wrong_logins(HUAWEI)) == ([4] * 4, 1)
    assert "none was made now" in lockstep("verify", HUAWEI_ID).err
    assert lockstep("verify", HUAWEI_ID, "--spend-a-try").code == 4
    assert embedded.wrong_logins(HUAWEI) == 2
    put_by_hand(HUAWEI_ID, embedded.live(HUAWEI).reveal())
    assert lockstep("verify", HUAWEI_ID).code == 0


def test_the_budget_ends_the_tries_until_an_operator_spends_one(lockstep, embedded, put_by_hand):
    """Of five tries two are left to people: the fourth wrong password is not tried, and one of the two is spent."""
    for number in range(4):
        put_by_hand(HUAWEI_ID, f"Drifted{number}Password0Drif")
        code = lockstep("verify", HUAWEI_ID).code
    assert (code, embedded.wrong_logins(HUAWEI)) == (3, 3)
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[-1]["reason"]) == (3, "wrong_login_budget")
    assert "--spend-a-try" in ran.objects[-1]["hint"]
    put_by_hand(HUAWEI_ID, embedded.live(HUAWEI).reveal())
    assert lockstep("verify", HUAWEI_ID).code == 3
    assert lockstep("verify", HUAWEI_ID, "--spend-a-try").code == 0
    assert lockstep("rotate", HUAWEI_ID, "--spend-a-try").code == 0
    assert (embedded.wrong_logins(HUAWEI), embedded.stored(HUAWEI)) == (3, embedded.live(HUAWEI))


def test_diagnosis_first_and_then_the_cure(lockstep, embedded, put_by_hand):
    """The order that every page for people on call gives: verify, doctor, rotate. The last one heals the drift."""
    name = embedded.accounts[UCLOUD]
    put_by_hand(name, "Drifted-Passw0rd-1")
    put_by_hand(name, "Drifted-Passw0rd-2")
    assert lockstep("verify", name).code == 4
    ran = [lockstep("doctor", name, *options) for options in ((), ("--json",), ())]
    assert [each.code for each in ran] == [4, 4, 4]
    assert "`lockstep rotate` resets it" in ran[0].out
    healed = lockstep("rotate", name)
    assert healed.code == 0, healed.err
    assert embedded.stored(UCLOUD) == embedded.live(UCLOUD)


def test_a_missing_library_is_named_and_is_no_missing_login_check(lockstep, embedded, monkeypatch):
    """Without paramiko nobody has looked: this is a fault of the installation, and says nothing of the vendor."""
    monkeypatch.setitem(sys.modules, "paramiko", None)
    ran = lockstep("verify", embedded.accounts[UCLOUD], "--json")
    assert (ran.code, ran.objects[0]["outcome"]) == (4, "missing_extra")
    assert "no login check" not in ran.out
    ran = lockstep("doctor", embedded.accounts[UCLOUD])
    assert (ran.code, "paramiko" in ran.out + ran.err) == (4, True), ran.out


def test_what_was_checked_is_said(lockstep, monkeypatch):
    """All accounts of a batch are counted, and a vendor's word is no check."""
    with open_sandbox(holding=(BATCH, VOLCENGINE), retry_delays=()) as started:
        for variable, value in started.environment().items():
            monkeypatch.setenv(variable, value)
        ran = lockstep("verify", started.accounts[BATCH])
        assert (ran.code, "all 3 accounts" in ran.out) == (0, True)
        shown = lockstep("doctor", started.accounts[BATCH]).out
        assert "live (LOGIN)" in shown
        assert "not asked" not in shown
        assert lockstep("rotate", started.accounts[VOLCENGINE]).code == 0
        ran = lockstep("verify", started.accounts[VOLCENGINE])
        assert (ran.code, "no login check here" in ran.out) == (3, True)
        ran = lockstep("doctor", started.accounts[VOLCENGINE])
        assert (ran.code, "accepted, not proved" in ran.out) == (0, True)
        assert "live" not in ran.out
        assert "no login can prove it" in ran.out


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
