"""``lockstep simulate``."""

import json
import signal
import subprocess
import sys

import pytest

from rotation.drivers.registry import driver_codes, load_driver
from rotation_testkit.sandbox.vendors import every_account


@pytest.mark.parametrize(("number", "secret"), [(signal.SIGINT, None), (signal.SIGTERM, "huawei_meeting")])
def test_it_serves_what_it_says_until_told_to_stop(lockstep, monkeypatch, number, secret):
    """The printed environment is all that a rotation needs, and both signals end it with exit code 0."""
    command = [sys.executable, "-m", "rotation.cli", "simulate", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            facts = json.loads(server.stdout.readline())
            if secret is not None:
                account = facts["accounts"][secret]
                for name, value in facts["environment"].items():
                    monkeypatch.setenv(name, value)
                ran = lockstep("rotate", account["secret_id"], "--json")
                assert ran.code == 0, ran.out
                assert account["password"] not in ran.out + ran.err
            server.send_signal(number)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()
    assert set(facts["accounts"]) == set(every_account())
    assert facts["accounts"]["ucloud_compshare"]["host_key"].startswith("ssh-ed25519 ")
    specs = [load_driver(code) for code in driver_codes()]
    assert set(facts["admin"]) == {spec.code for spec in specs if spec.admin and not spec.admin_optional}
