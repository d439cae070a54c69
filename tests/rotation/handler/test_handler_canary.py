"""No secret leaves by a log, an output, an error, a repr or a URL: the canary of the fixture would fail the test."""

import logging

import pytest

from rotation.core.process import library_logs
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import LIBRARIES, Canary, listening
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, MEETING_ACCOUNT, UCLOUD, UHOST_ID, open_sandbox
from rotation_testkit.sandbox.served_function import CHANGE, LOOK

DRIVERS = (HUAWEI, UCLOUD)


def clean(rig, code):
    """Nothing goes wrong."""
    assert not rig.simulator(code).faults.pending
    return RotationState.SUCCEEDED


def lost_reply(rig, code):
    """The vendor applies the change and the answer is lost."""
    rig.simulator(code).faults.add(CHANGE[code], FaultKind.DROP_AFTER)
    return RotationState.SUCCEEDED


def refused(rig, code):
    """The vendor's policy refuses the candidate."""
    vendor_code = {HUAWEI: "206030008", UCLOUD: "230"}[code]
    rig.simulator(code).faults.add(CHANGE[code], FaultKind.VENDOR_CODE, code=vendor_code, times=99)
    return RotationState.FAILED


def wrong_key(rig, code):
    """CompShare's admin secret holds another key; Huawei has no key, and the vendor says that it does not know us."""
    if code == UCLOUD:
        wrong, public = Secret("Marker-wrong-private-key-1"), rig.world.ucloud.credentials.public_key
        rig.canary.guard("wrong key", wrong)
        rig.put(rig.world.admin_secret, {"public_key": public, "private_key": wrong.reveal()})
    else:
        rig.simulator(code).faults.add(LOOK[code], FaultKind.VENDOR_CODE, code="206010025", times=99)
    return RotationState.FAILED


def locked(rig, code):
    """The account is locked, or its host takes no logins."""
    if code == HUAWEI:
        rig.world.huawei.account(MEETING_ACCOUNT).locked_until = rig.world.clock.now() + 100_000
    else:
        rig.world.ucloud.instance(UHOST_ID).state = "Stopped"
    return RotationState.FAILED


def outside_change(rig, code):
    """The password was changed by hand; an ADMIN reset replaces it."""
    other = Secret("Marker-outside-Change-9")
    rig.canary.guard("outside", other)
    if code == HUAWEI:
        rig.world.huawei.account(MEETING_ACCOUNT).password = other
    else:
        rig.world.ucloud.instance(UHOST_ID).guest = other
    rig.settle()
    return RotationState.FAILED if code == HUAWEI else RotationState.SUCCEEDED


SCENES = (clean, lost_reply, refused, wrong_key, locked, outside_change)


@pytest.mark.parametrize("retries", [1])
@pytest.mark.parametrize("prepare", SCENES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("code", DRIVERS)
def test_a_rotation_leaks_nothing_even_at_debug(rig, code, prepare, monkeypatch):
    """No password, key or token is in what the run wrote or left; HTTP and SSH libraries at DEBUG write none either."""
    monkeypatch.setattr(library_logs, "TALKATIVE", frozenset({"boto3", "botocore"}))
    expected = prepare(rig, code)
    rotation = rig.rotate(code)
    assert rotation.state is expected, rotation.failures
    assert bool(rig.errors) is ((code, prepare) not in {(HUAWEI, clean), (UCLOUD, clean), (UCLOUD, outside_change)})
    assert rig.written().count("StepFailed") >= len(rig.events)
    heard = {place.split()[2].split(".")[0] for place, _ in rig.canary.seen if place.startswith("log of")}
    assert heard & {"urllib3", "botocore"} == {"urllib3"}


@pytest.mark.parametrize("code", DRIVERS)
def test_a_rotation_token_leaks_nowhere(rig, code):
    """A cross-account rotation passes the RotationToken on and shows it nowhere, in success and in failure."""
    rig.world.secrets_manager.register_function(FUNCTION_ARN, rig.serve, assumes_role=True)
    rig.simulator(code).faults.add(CHANGE[code], FaultKind.DROP_AFTER)
    assert rig.rotate(code).state is RotationState.SUCCEEDED
    tokens = {event["RotationToken"] for event in rig.events}
    assert len(tokens) == 1
    rig.canary.guard("RotationToken", Secret(tokens.pop()))
    assert rig.errors


@pytest.mark.parametrize(
    "names", [("",), ("botocore.endpoint",), (*LIBRARIES, "botocore.endpoint")], ids=["root", "deep", "all"]
)
def test_no_level_makes_botocore_quote_a_secret(rig, caplog, names):
    """Whichever loggers an operator sets to DEBUG, neither SecretString nor request bodies reach the log."""
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    rig.rotate(UCLOUD)
    assert not rig.errors
    assert "step succeeded" in rig.written()
    assert not [place for place, _ in rig.canary.seen if place.split(".")[0].removeprefix("log of ") in LIBRARIES]


@pytest.mark.shows_secrets("log of botocore", reason="shows that botocore does it")
def test_the_reason_for_silence():
    """At DEBUG botocore does write SecretString down; once it stops, its loggers need not be silenced."""
    mine = Canary()
    with open_sandbox() as made, listening(mine):
        mine.guard("password", made.live(UCLOUD))
        made.secrets_manager.client().get_secret_value(SecretId=made.accounts[UCLOUD])
    assert "password in log of botocore.parsers (DEBUG)" in mine.leaks()
