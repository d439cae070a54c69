"""Before anything else the function has libraries fall silent; settings of AWS that cannot be used are told."""

from __future__ import annotations

import json
import logging

import pytest

from rotation import handler
from rotation.core.errors import ConfigError
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.winrm import WinRmProbe
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.sandbox.sandbox import HUAWEI

NTLM = ("pypsrp", "spnego")


def test_an_ntlm_login_is_not_written_down(caplog):
    """Its answer to the host's challenge tells who tries passwords at leisure when one is right."""
    for name in ("", *NTLM, "spnego._ntlm"):
        caplog.set_level(logging.DEBUG, logger=name)

    def heard() -> set[str]:
        caplog.clear()
        with WinRmHost(lambda: {"Administrator": Secret("Marker-right/1")}) as host:
            target = LoginTarget("winrm", host.host, host.port, "Administrator", host.fingerprint)
            probe = WinRmProbe(time_left=lambda: 60.0)
            assert probe.login(target, Secret("Marker-right/1")) is Verdict.ACCEPTED
        return {record.name.partition(".")[0] for record in caplog.records} & set(NTLM)

    assert heard() == set(NTLM)
    handler._silence_libraries()
    assert heard() == set()


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL", "proxy:8443"), ("AWS_REGION", ""), ("AWS_PROFILE", "no-such-profile")]
)
def test_unusable_settings_of_aws_are_told_and_counted(idle, monkeypatch, name, value):
    """As any other failed step: an error with code and hint, one log line, and the metric that the alarm rests on."""
    for each in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETSMANAGER"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv(name, value)
    handler._client.cache_clear()
    try:
        with pytest.raises(ConfigError) as caught:
            handler.lambda_handler(idle.event(HUAWEI), idle.context)
    finally:
        handler._client.cache_clear()
    assert "AWS_ENDPOINT_URL" in caught.value.hint
    assert value not in caught.value.message or not value
    assert caught.value.__context__ is None
    line, metric = [json.loads(line) for line in idle.written().splitlines() if line.startswith("{")]
    assert (line["message"], line["error"]["code"]) == ("step failed", "config_error")
    assert line["secret_id"]
    assert (metric["StepFailed"], metric["step"]) == ([1.0], "createSecret")
