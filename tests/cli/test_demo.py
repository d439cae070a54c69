"""``lockstep demo``: its claims are checked, and it fails when one does not hold."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from rotation.cli._acts import Play
from rotation.cli._board import JsonBoard, PlainBoard, StepShown
from rotation.testing.isolated import start_fork_server
from rotation.testing.world import HUAWEI, UCLOUD, world

DRIVERS = {UCLOUD, HUAWEI}


@pytest.mark.slow
def test_three_rotations_hold_all_that_is_claimed() -> None:
    """Plain, with a lost reply and with a killed process: each ends complete, whatever the operator's AWS settings."""
    command = [sys.executable, "-m", "rotation.cli", "demo", "--json"]
    settings = {**os.environ, "AWS_PROFILE": "nobody", "HTTP_PROXY": "http://127.0.0.1:9"}
    ran = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=100, check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    steps = [line for line in lines if line["event"] == "step"]
    claims = [line for line in lines if line["event"] == "claim"]
    result = lines[-1]
    assert ran.returncode == 0, ran.stdout
    assert ran.stderr == ""
    assert result["holds"] is True
    assert result["claims"] == len(claims) >= 18
    assert all(claim["holds"] for claim in claims)
    assert {step["driver"] for step in steps} == DRIVERS
    troubles = {(step["rotation"], step["driver"], step["outcome"]) for step in steps if step["attempt"] == 1}
    for code in DRIVERS:
        assert ("rotation 2", code, "outcome_unknown") in troubles
        assert ("rotation 3", code, "killed") in troubles
        finished = [step for step in steps if step["driver"] == code and step["step"] == "finishSecret"]
        assert [step["evidence"] for step in finished] == ["LOGIN"] * 3


@pytest.mark.slow
def test_a_claim_that_does_not_hold_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the vendor cannot be reached, the claims about it fail instead of being assumed."""
    start_fork_server()
    with world(retry_delays=()) as started:
        cut_off = dataclasses.replace(started, endpoints={**started.endpoints, HUAWEI: "http://127.0.0.1:9"})
        claims = dict(Play(cut_off, JsonBoard()).run())
    failed = {text for text, holds in claims.items() if not holds}
    assert f"{HUAWEI}: 0 resets took effect in 3 rotations" in failed
    assert any(text.startswith(f"{HUAWEI}: rotation 1") for text in failed)
    assert f"{HUAWEI}: the stored AWSCURRENT logs in" in failed
    assert claims[f"{UCLOUD}: the stored AWSCURRENT logs in"] is True
    assert "vendor_unavailable" in capsys.readouterr().out


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal each thing is one line without control codes."""
    shown: dict[str, Any] = {"act": "rotation 1", "driver": HUAWEI, "attempt": 2, "step": "setSecret"}
    with PlainBoard() as board:
        board.say("Rotation 1")
        board.step(StepShown(**shown, outcome="found_live", evidence=None, seconds=0.25, failed=False))
        board.claim("it holds", holds=True)
        board.claim("it does not", holds=False)
        board.end({"holds": False, "seconds": 1.5})
    assert capsys.readouterr().out.splitlines() == [
        "Rotation 1",
        "  huawei_meeting    attempt 2  setSecret     ✓ found_live 0.25 s",
        "✓ it holds",
        "✗ it does not",
        "NOT all of it held in 1.5 s",
    ]
