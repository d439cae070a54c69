"""``lockstep simulate``."""

import json
import re
import signal
import subprocess
import sys

from rotation.drivers.registry import driver_codes, load_driver
from rotation_testkit.sandbox.vendors import every_account


def test_a_shell_gets_lines_that_it_can_read():
    """Each line exports a variable of the environment, and a shell reads the whole."""
    command = [sys.executable, "-m", "rotation.cli", "simulate", "--shell"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        lines = [server.stdout.readline() for _ in range(10)]
        server.send_signal(signal.SIGINT)
        lines += server.stdout.readlines()
        assert server.wait(timeout=20) == 0
    shown = subprocess.run(["sh", "-c", "".join(lines) + "env"], capture_output=True, text=True, check=True, timeout=20)
    assert all(re.fullmatch(r"export [A-Z0-9_]+=.*\n", line) for line in lines)
    assert {"LOCKSTEP_DRIVERS", "AWS_ENDPOINT_URL_SECRETS_MANAGER"} <= {
        line.partition("=")[0] for line in shown.stdout.splitlines()
    }


def test_it_serves_what_it_says_until_told_to_stop(lockstep, monkeypatch):
    """The printed environment is all that a rotation needs, and a signal ends it with exit code 0."""
    command = [sys.executable, "-m", "rotation.cli", "simulate", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            facts = json.loads(server.stdout.readline())
            account = facts["accounts"]["huawei_meeting"]
            for name, value in facts["environment"].items():
                monkeypatch.setenv(name, value)
            ran = lockstep("rotate", account["secret_id"], "--json")
            assert ran.code == 0, ran.out
            assert account["password"] not in ran.out + ran.err
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()
    assert set(facts["accounts"]) == set(every_account())
    assert facts["accounts"]["ucloud_compshare"]["host_key"].startswith("ssh-ed25519 ")
    specs = [load_driver(code) for code in driver_codes()]
    assert set(facts["admin"]) == {spec.code for spec in specs if spec.admin and not spec.admin_optional}
