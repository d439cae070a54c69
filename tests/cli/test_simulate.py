"""``lockstep simulate``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from rotation.testing.estates import ALL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_it_says_until_told_to_stop(number: signal.Signals) -> None:
    """The printed environment is all that a rotation needs, and both signals end it with exit code 0."""
    command = [sys.executable, "-m", "rotation.cli"]
    with subprocess.Popen([*command, "simulate", "--json"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            facts = json.loads(server.stdout.readline())
            secret_id = facts["accounts"]["huawei_meeting"]["secret_id"]
            environment = {**os.environ, **facts["environment"]}
            rotate = [*command, "rotate", secret_id, "--json"]
            ran = subprocess.run(rotate, env=environment, capture_output=True, text=True, timeout=60, check=False)
            server.send_signal(number)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()
    assert ran.returncode == 0, ran.stdout
    assert facts["accounts"]["huawei_meeting"]["password"] not in ran.stdout + ran.stderr
    assert set(facts["accounts"]) == set(ALL)
    assert facts["accounts"]["ucloud_compshare"]["host_key"].startswith("ssh-ed25519 ")
    assert set(facts["admin"]) == {"ucloud_compshare", "tencent_bm", "volcengine_cloudidentity"}
