"""What the function writes: no line of the libraries, one line of its own, one metric; neither decides a step."""

import json
import logging
import sys

import pytest

from rotation import __version__, handler
from rotation.core.errors import ConfigError, EventError
from rotation.core.process.library_logs import silence_libraries
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.logins.winrm import WinRmProbe
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

NTLM = ("pypsrp", "spnego")


def test_an_ntlm_login_is_not_written_down(caplog):
    """NTLM's answer to the host's challenge, from which a password can be guessed offline, is not logged."""
    for name in ("", *NTLM, "spnego._ntlm"):
        caplog.set_level(logging.DEBUG, logger=name)

    def heard():
        caplog.clear()
        with WinRmHost(lambda: {"Administrator": Secret("Marker-right/1")}) as host:
            target = LoginTarget("winrm", host.host, host.port, "Administrator", host.fingerprint)
            probe = WinRmProbe(time_left=lambda: 60.0)
            assert probe.login(target, Secret("Marker-right/1")) is Verdict.ACCEPTED
        return {record.name.partition(".")[0] for record in caplog.records} & set(NTLM)

    assert heard() == set(NTLM)
    silence_libraries()
    assert heard() == set()


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL", "proxy:8443"), ("AWS_REGION", ""), ("AWS_PROFILE", "no-such-profile")]
)
def test_unusable_settings_of_aws_are_logged_and_counted(idle, monkeypatch, name, value):
    """Wrong AWS settings end like any failed step: an error with a hint, one log line, and the metric."""
    for each in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"):
        monkeypatch.delenv(each, raising=False)
    for each, text in (("AWS_REGION", "eu-central-1"), ("AWS_CONFIG_FILE", "/nonexistent"), (name, value)):
        monkeypatch.setenv(each, text)
    handler._client.cache_clear()
    try:
        with pytest.raises(ConfigError) as caught:
            handler.lambda_handler(idle.event(HUAWEI), idle.context)
    finally:
        handler._client.cache_clear()
    assert "AWS_ENDPOINT_URL" in caught.value.hint
    assert value not in caught.value.message or not value
    assert caught.value.__context__ is None
    line, raised, metric = [json.loads(line) for line in idle.written().splitlines() if line.startswith("{")]
    assert (line["message"], line["error"]["code"]) == ("step failed", "config_error")
    assert line["lockstep_version"] == __version__
    assert line["secret_id"]
    assert (metric["StepFailed"], metric["step"], raised["StepRaised"]) == ([1.0], "createSecret", [1.0])


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_malformed_powertools_variable_does_not_fail_a_step(rig, monkeypatch, code):
    """A switch that Powertools cannot read stops no rotation; a line on standard error says what is wrong."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "maybe")
    assert rig.rotate(code).state is RotationState.SUCCEEDED
    assert rig.errors == []
    rig.canary.drain()
    text = "".join(text for place, text in rig.canary.seen if place == "standard error")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line["step"] for line in lines] == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert {line["message"] for line in lines} == {"cannot log: ValueError"}


def test_a_failed_step_is_counted(rig):
    """The alarm of the template rests on this metric; a step that went well counts nothing."""
    rig.rotate(HUAWEI)
    assert [each["StepFailed"] for each in records(rig) if "StepFailed" in each] == [[0.0]] * 4

    with pytest.raises(EventError):
        rig.call({"Step": "nothing"})
    assert [each["StepFailed"] for each in records(rig) if "StepFailed" in each][4:] == [[1.0]]


@pytest.mark.parametrize(
    ("code", "failed"),
    [("InternalServiceError", [0.0]), ("AccessDeniedException", [1.0])],
    ids=["passes by itself", "needs somebody"],
)
def test_what_passes_by_itself_raises_no_alarm(rig, code, failed):
    """A failure that the service's next attempt may heal counts as raised only; overdue secrets are watched apart."""
    rig.world.secrets_manager.faults.fail("DescribeSecret", code, times=999, secret=rig.world.accounts[HUAWEI])
    rig.rotate(HUAWEI)
    assert rig.errors[-1].retryable is (failed == [0.0])
    assert {tuple(each["StepFailed"]) for each in records(rig) if "StepFailed" in each} == {tuple(failed)}
    assert {tuple(each["StepRaised"]) for each in records(rig) if "StepRaised" in each} == {(1.0,)}


def test_seconds_since_a_reset_are_counted_until_the_commit(rig):
    """A step that fails after its reset says how long readers may hold a dead password."""
    rig.simulator(HUAWEI).faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
    rig.rotate(HUAWEI)
    seconds = [each["CurrentUnproved"][0] for each in records(rig) if "CurrentUnproved" in each]
    assert seconds
    assert all(each >= 0 for each in seconds)


def records(rig):
    """Return the EMF records written so far."""
    lines = [line for line in rig.written().splitlines() if line.startswith('{"_aws"')]
    return [json.loads(line) for line in lines]


def test_an_empty_namespace_is_the_default_one(rig, monkeypatch):
    """A metric record never goes out without a namespace."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "")
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    assert {each["_aws"]["CloudWatchMetrics"][0]["Namespace"] for each in records(rig)} == {"Lockstep"}


def test_streams_that_take_nothing_end_no_step(rig, monkeypatch, tmp_path):
    """A function whose log line and metrics cannot be written rotates to the end, and reports no error."""
    closed = (tmp_path / "closed").open("w")
    closed.close()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, closed)
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    assert rig.errors == []
