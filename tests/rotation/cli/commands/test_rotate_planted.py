"""Neither ``lockstep rotate`` nor the doctor uses a candidate that somebody else put under AWSPENDING."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI, UCLOUD, Sandbox, open_sandbox

PLANTED = "Planted-Passw0rd-31"


def plant(started: Sandbox, code: str, *labels: str) -> str:
    """Put a version as the attacker does, and return its id."""
    token, store, name = str(uuid.uuid4()), started.secrets_manager, started.accounts[code]
    value = store.value(name)
    assert value is not None
    document = json.loads(value.reveal())
    for entry in document.get("devices", [document]):
        entry["password"] = PLANTED
    store.call(
        "PutSecretValue",
        SecretId=name,
        ClientRequestToken=token,
        SecretString=json.dumps(document),
        VersionStages=["AWSPENDING", *(f"{label}@{token[-8:]}" for label in labels)],
    )
    return token


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_planted_candidate_is_not_resumed(lockstep: Any, embedded: Sandbox, code: str) -> None:
    """The command and its dry run name the reason; the vendor gets no reset."""
    token, before = plant(embedded, code), embedded.live(code)
    ran = lockstep("rotate", embedded.accounts[code], "--json")
    assert (ran.code, ran.objects[-1]["code"]) == (4, "candidate_foreign")
    assert "AWSPENDING" in ran.objects[-1]["hint"]
    tried = lockstep("rotate", embedded.accounts[code], "--dry-run", "--json")
    assert "candidate_foreign" in next(each for each in tried.objects if each["name"] == "candidate")["detail"]
    assert (embedded.changes(code), embedded.wrong_logins(code)) == (0, 0)
    assert embedded.live(code) == before == embedded.stored(code)
    assert PLANTED not in ran.out + ran.err + tried.out + tried.err
    assert token in json.dumps(ran.objects)


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_the_doctor_drops_it_and_never_tries_it(lockstep: Any, embedded: Sandbox, code: str) -> None:
    """Its password is no candidate for a login; once it is dropped, the next rotation ends well."""
    token = plant(embedded, code)
    seen = lockstep("doctor", embedded.accounts[code], "--json")
    assert seen.code == 4
    ran = lockstep("doctor", embedded.accounts[code], "--repair")
    assert ran.code == 0, ran.out + ran.err
    assert embedded.wrong_logins(code) == 0
    assert "AWSPENDING" not in embedded.secrets_manager.labels(embedded.accounts[code]).get(token, ())
    assert lockstep("rotate", embedded.accounts[code]).code == 0
    assert embedded.stored(code) == embedded.live(code)


def test_a_planted_candidate_with_an_intent_needs_a_human(lockstep: Any, embedded: Sandbox) -> None:
    """It might be an earlier release's; the advice says how to tell, and nothing is tried or dropped."""
    token = plant(embedded, HUAWEI, "lockstep:intent:1700000000")
    ran = lockstep("doctor", embedded.accounts[HUAWEI], "--repair")
    assert ran.code == 4
    assert "was not made by Lockstep" in ran.out + ran.err
    assert "AWSPENDING" in embedded.secrets_manager.labels(embedded.accounts[HUAWEI])[token]
    assert embedded.wrong_logins(HUAWEI) == 0


def test_a_planted_batch_is_refused_before_any_device_is_asked(lockstep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seal covers every device's password."""
    with open_sandbox(holding=(BATCH,), retry_delays=()) as started:
        for variable, value in started.environment().items():
            monkeypatch.setenv(variable, value)
        plant(started, BATCH, "lockstep:intent:1700000000")
        ran = lockstep("rotate", started.accounts[BATCH], "--json")
        assert ran.objects[-1]["code"] == "candidate_foreign"
        assert started.tencent.requests == []


def test_without_the_setting_the_command_says_which_variable_is_missing(
    lockstep: Any, embedded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read of the secret; ``off`` rotates without a seal."""
    monkeypatch.delenv("LOCKSTEP_SEAL_SECRET")
    calls = len(embedded.secrets_manager.calls)
    ran = lockstep("rotate", embedded.accounts[HUAWEI], "--json")
    assert (ran.code, ran.objects[-1]["code"]) == (4, "settings_error")
    assert "LOCKSTEP_SEAL_SECRET" in ran.objects[-1]["message"]
    assert len(embedded.secrets_manager.calls) == calls
    assert lockstep("verify", embedded.accounts[HUAWEI]).code == 0
    monkeypatch.setenv("LOCKSTEP_SEAL_SECRET", "off")
    assert lockstep("rotate", embedded.accounts[HUAWEI]).code == 0
    value = embedded.secrets_manager.value(embedded.accounts[HUAWEI])
    assert value is not None
    assert "lockstep" not in json.loads(value.reveal())
