"""Somebody who may write the secret's value plants a candidate: it is neither sent, nor tried, nor made current."""

from __future__ import annotations

import base64
import json
import uuid

import pytest

from rotation.core.errors import CandidateForeign, RotationError
from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, MEETING_ACCOUNT, UCLOUD
from rotation_testkit.sandbox.served_function import CHANGE, ServedFunction

PLANTED = "Planted-Passw0rd-31"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@pytest.fixture(params=[HUAWEI, UCLOUD])
def code(request: pytest.FixtureRequest) -> str:
    """An account that changes its own password, and one that an API key resets."""
    return str(request.param)


@pytest.fixture
def attacked(rig: ServedFunction, code: str) -> ServedFunction:
    """Return the function over the wire, a month after a first rotation, so that current carries a seal."""
    rig.client = rig.world.secrets_manager.client()
    assert rig.rotate(code).state is RotationState.SUCCEEDED
    rig.world.clock.sleep(30 * 86_400)
    rig.errors.clear()
    rig.settle()
    return rig


def plant(rig: ServedFunction, code: str, *labels: str, copied: bool = True, token: str = "") -> str:
    """Put a version as the attacker does, and return its id; the rest of the document is copied from current."""
    token, document = token or str(uuid.uuid4()), rig.document(code) | {"password": PLANTED}
    if not copied:
        document.pop("lockstep", None)
    forged = [f"{label}@{token[-8:]}" if "intent" in label else label for label in labels]
    rig.client.put_secret_value(
        SecretId=rig.world.accounts[code],
        ClientRequestToken=token,
        SecretString=json.dumps(document),
        VersionStages=["AWSPENDING", *forged],
    )
    return token


def heard(rig: ServedFunction, code: str) -> bool:
    """Return whether the vendor or a host heard the planted password, alone or in a login."""
    user = rig.document(code)["username"]
    forms = [
        PLANTED,
        base64.b64encode(PLANTED.encode()).decode(),
        base64.b64encode(f"{user}:{PLANTED}".encode()).decode(),
    ]
    said = repr([(one.url, one.headers, one.body) for one in rig.simulator(code).captured])
    return any(form in said for form in forms) or rig.world.wrong_logins(code) > 0


def forged(rig: ServedFunction, code: str, seconds: float = 0) -> tuple[str, str]:
    """Return an intent that began while current was current, and a proof."""
    labels = rig.world.secrets_manager.labels(rig.world.accounts[code])
    current = next(version for version, held in labels.items() if "AWSCURRENT" in held)
    now = int(rig.world.clock.now() + seconds)
    return f"lockstep:intent:{now - 9}:0:7f3a01bc:{current[-8:]}", "lockstep:proof:login"


@pytest.mark.parametrize("copied", [True, False], ids=["with a copied seal", "without a seal"])
@pytest.mark.parametrize("forging", [False, True], ids=["bare", "with a forged intent and proof"])
def test_no_step_uses_a_planted_candidate(attacked: ServedFunction, code: str, *, copied: bool, forging: bool) -> None:
    """Whatever step is called for its token ends in ``candidate_foreign``, or confirms and changes nothing."""
    before, calls = attacked.world.stored(code), len(attacked.simulator(code).requests)
    token = plant(attacked, code, *(forged(attacked, code) if forging else ()), copied=copied)
    codes = {}
    for step in STEPS:
        try:
            codes[step] = attacked.call(attacked.event(code, step, ClientRequestToken=token))["outcome"]
        except RotationError as error:
            codes[step] = error.code
    refusals = [error for error in attacked.errors if isinstance(error, CandidateForeign)]
    assert all("AWSPENDING" in error.hint and not error.retryable for error in refusals)
    assert codes["finishSecret"] == ("candidate_foreign" if forging else "stage_error")
    assert codes["setSecret"] == "candidate_foreign"
    assert codes["testSecret"] == ("found_proved" if forging else "current_verified")  # a label says so, or current's
    assert not heard(attacked, code)
    assert attacked.world.stored(code) == before == attacked.world.live(code)
    assert CHANGE[code] not in [one.operation for one in attacked.simulator(code).requests[calls:]]


def test_a_planted_candidate_that_seems_to_be_sent_is_not_probed(attacked: ServedFunction, code: str) -> None:
    """A forged intent alone makes setSecret reconcile, which would begin with a login."""
    token = plant(attacked, code, forged(attacked, code)[0])
    for step in ("setSecret", "testSecret", "finishSecret"):
        with pytest.raises(CandidateForeign):
            attacked.call(attacked.event(code, step, ClientRequestToken=token))
    assert not heard(attacked, code)


def test_committed_early_a_planted_candidate_is_refused(attacked: ServedFunction, code: str) -> None:
    """With a forged proof, setSecret would commit at once."""
    attacked.environment["LOCKSTEP_COMMIT"] = "early"
    token = plant(attacked, code, *forged(attacked, code))
    with pytest.raises(CandidateForeign):
        attacked.call(attacked.event(code, "setSecret", ClientRequestToken=token))
    assert attacked.world.stored(code) == attacked.world.live(code)


def test_a_value_that_is_put_under_a_running_rotations_token_is_refused(attacked: ServedFunction, code: str) -> None:
    """The attacker starts the rotation, so knows its token, and is faster than createSecret: no step uses the value."""
    store, token = attacked.world.secrets_manager, str(uuid.uuid4())

    def raced(event: dict[str, object]) -> None:
        if event["Step"] == "createSecret":
            plant(attacked, code, token=token)
        attacked.serve(event)

    store.register_function(FUNCTION_ARN, raced)
    attacked.rotate(code, token=token)
    assert {error.code for error in attacked.errors} == {"candidate_foreign"}
    assert not heard(attacked, code)
    assert attacked.world.stored(code) == attacked.world.live(code)


def test_the_next_token_makes_its_own_candidate(attacked: ServedFunction, code: str) -> None:
    """Once AWSPENDING is taken from the planted version, as the hint says, the next rotation ends well."""
    planted = plant(attacked, code, forged(attacked, code)[0])
    name = attacked.world.accounts[code]
    attacked.client.update_secret_version_stage(SecretId=name, VersionStage="AWSPENDING", RemoveFromVersionId=planted)
    attacked.world.clock.sleep(120)
    assert attacked.rotate(code).state is RotationState.SUCCEEDED
    assert attacked.world.stored(code) == attacked.world.live(code)
    assert not heard(attacked, code)


def test_a_planted_abandoned_candidate_is_tried_by_no_login(rig: ServedFunction) -> None:
    """Where current is dead, the engine asks about a cancelled rotation's candidate, but not about a foreign one."""
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    rig.world.clock.sleep(30 * 86_400)
    token = plant(rig, HUAWEI, forged(rig, HUAWEI)[0])
    rig.client.update_secret_version_stage(
        SecretId=rig.world.accounts[HUAWEI], VersionStage="AWSPENDING", RemoveFromVersionId=token
    )
    rig.world.clock.sleep(3600)
    rig.world.huawei.account(MEETING_ACCOUNT).password = Secret("Marker-outside-Change-9")
    rig.settle()
    rig.rotate(HUAWEI)
    tried = _logins(rig)
    assert [PLANTED for text in tried if PLANTED in text] == []
    assert rig.world.wrong_logins(HUAWEI) > 0


def _logins(rig: ServedFunction) -> list[str]:
    """Return user and password of every login."""
    headers = [header for one in rig.simulator(HUAWEI).captured for header in one.headers]
    basic = [value[6:] for name, value in headers if name.lower() == "authorization" and value.startswith("Basic ")]
    assert basic
    return [base64.b64decode(value).decode() for value in basic]


def test_a_label_that_is_not_believed_stands_in_the_log_line(attacked: ServedFunction, code: str) -> None:
    """A parking until after the year 9999 stops no rotation; it is named, and the commit removes it."""
    name, store = attacked.world.accounts[code], attacked.world.secrets_manager
    current = next(version for version, held in store.labels(name).items() if "AWSCURRENT" in held)
    label = f"lockstep:parked:account_locked:999999999999@{current[-8:]}"
    attacked.client.update_secret_version_stage(SecretId=name, VersionStage=label, MoveToVersionId=current)
    assert attacked.rotate(code).state is RotationState.SUCCEEDED
    assert attacked.reports[-1]["ignored_labels"] == [label]
    assert attacked.world.stored(code) == attacked.world.live(code)
    assert label not in set().union(*store.labels(name).values())
