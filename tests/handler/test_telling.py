"""What the function says about a step never decides how the step went."""

from __future__ import annotations

import json

import pytest

from rotation.core.errors import EventError
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD


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
    assert [each["StepFailed"] for each in records(rig)] == [[0.0]] * 4

    with pytest.raises(EventError):
        rig.call({"Step": "nothing"})
    assert [each["StepFailed"] for each in records(rig)][4:] == [[1.0]]


def records(rig):
    """Return the EMF records written so far."""
    lines = [line for line in rig.written().splitlines() if line.startswith('{"_aws"')]
    return [json.loads(line) for line in lines]


def test_an_empty_namespace_is_the_default_one(rig, monkeypatch):
    """A metric record never goes out without a namespace."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "")
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    assert rig.written().count('"Namespace":"Lockstep"') == 4
