"""``lockstep verify`` over the wire: the drift check that moves no label and sends no change."""

from __future__ import annotations

from typing import Any

import pytest

from rotation.core.document import SecretDocument
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, Sandbox

HUAWEI_ID = "lockstep/huawei_meeting"


def put(world: Sandbox, password: str) -> None:
    """Put a version with another password, as an operator would."""
    value = world.secrets_manager.value(HUAWEI_ID)
    assert value is not None
    other = SecretDocument.parse(value.reveal()).replaced(password=password)
    world.secrets_manager.call("PutSecretValue", SecretId=HUAWEI_ID, SecretString=other.dump().reveal())


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_live_password_exits_0(lockstep: Any, embedded: Sandbox, code: str) -> None:
    """The driver's own login or the shared SSH probe proves it, and no label is left behind."""
    name = embedded.accounts[code]
    before = embedded.secrets_manager.labels(name)
    ran = lockstep("verify", name, "--json")
    told = {"secret_id": name, "outcome": "current_verified", "driver": code, "evidence": "LOGIN"}
    assert (ran.code, ran.objects) == (0, [told])
    assert embedded.secrets_manager.labels(name) == before
    assert embedded.wrong_logins(code) == embedded.changes(code) == 0


def test_drift_exits_1_and_costs_one_charged_login(lockstep: Any, embedded: Sandbox) -> None:
    """The charge is the only thing that is written."""
    put(embedded, "Drifted0Password0Drif")
    ran = lockstep("verify", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[0]["outcome"]) == (1, "drifted")
    assert "lockstep doctor" in ran.objects[0]["error"]["hint"]
    assert embedded.wrong_logins(HUAWEI) == 1
    labels = set().union(*embedded.secrets_manager.labels(HUAWEI_ID).values())
    assert [label.split(":")[1:3] for label in labels if label.startswith("lockstep:")] == [["rejected", "1"]]


def test_the_budget_ends_the_tries(lockstep: Any, embedded: Sandbox) -> None:
    """Of five tries two are left to people: the fourth check does not log in any more, and the account stays open.

    A rotation shares the budget that verify has spent: it is parked before it sends anything.
    """
    put(embedded, "Drifted0Password0Drif")
    codes = [lockstep("verify", HUAWEI_ID).code for _ in range(5)]
    assert codes == [1, 1, 1, 3, 3]
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[-1]["reason"]) == (3, "wrong_login_budget")
    assert (embedded.wrong_logins(HUAWEI), embedded.changes(HUAWEI)) == (3, 0)


def test_a_vendor_that_does_not_answer_is_no_drift(lockstep: Any, embedded: Sandbox) -> None:
    """A lost answer fails the check and is charged, since the vendor may have counted a wrong login."""
    embedded.huawei.faults.add("POST /v1/usg/acs/auth/account", FaultKind.DROP_AFTER)
    ran = lockstep("verify", HUAWEI_ID)
    assert ran.code == 1
    assert "vendor_unavailable" in ran.err
    labels = set().union(*embedded.secrets_manager.labels(HUAWEI_ID).values())
    assert any(label.startswith("lockstep:rejected:1:") for label in labels)
    assert lockstep("verify", HUAWEI_ID).code == 0
