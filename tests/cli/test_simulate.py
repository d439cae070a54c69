"""``lockstep simulate``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from rotation.testing.estates import ALL


@pytest.mark.parametrize(("number", "secret"), [(signal.SIGINT, None), (signal.SIGTERM, "huawei_meeting")])
def test_it_serves_what_it_says_until_told_to_stop(number: signal.Signals, secret: str | None) -> None:
    """The printed environment is all that a rotation needs, and both signals end it with exit code 0."""
    command = [sys.executable, "-m", "rotation.cli"]
    with subprocess.Popen([*command, "simulate", "--json"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            facts = json.loads(server.stdout.readline())
            if secret is not None:
                _rotate(command, facts, facts["accounts"][secret])
            server.send_signal(number)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()
    assert set(facts["accounts"]) == set(ALL)
    assert facts["accounts"]["ucloud_compshare"]["host_key"].startswith("ssh-ed25519 ")
    assert set(facts["admin"]) == {"ucloud_compshare", "tencent_bm", "volcengine_cloudidentity"}


def _rotate(command: list[str], facts: dict[str, Any], account: dict[str, Any]) -> None:
    rotate = [*command, "rotate", account["secret_id"], "--json"]
    environment = {**os.environ, **facts["environment"]}
    ran = subprocess.run(rotate, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout
    assert account["password"] not in ran.stdout + ran.stderr
