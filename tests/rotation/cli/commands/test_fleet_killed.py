"""``lockstep fleet rotate`` is killed while it watches: the same command with ``--run`` resets no account again."""

import json
import os
import signal
import subprocess
import sys

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation_testkit.sandbox.enrolled import tagged
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, VOLCENGINE, open_sandbox
from rotation_testkit.sandbox.served_function import FixedContext

USERS = [f"robot-{number}" for number in range(6)]
RUN = "00000000-0000-4000-8000-000000000007"
COMMAND = [sys.executable, "-m", "rotation.cli", "fleet", "rotate", "--prefix", "fleet/", "--json", "--run", RUN]


@pytest.fixture
def world():
    """A directory with six more users, a secret for each, and the function that rotates them."""
    with open_sandbox(holding=[VOLCENGINE], retry_delays=()) as made:
        store, first = made.secrets_manager, made.vendor_accounts[VOLCENGINE].document
        client, environment = store.client(direct=True), made.environment()

        def function(event):
            outside = handler.World(connect=lambda: client, environment=environment, clock=made.clock)
            handler.handle(event, FixedContext(), outside)

        store.register_function(FUNCTION_ARN, function)
        for name in USERS:
            user = made.volcengine.add_user(name, made.live(VOLCENGINE), user_id=f"id-{name}")
            document = first | {"username": name, "user_id": user.user_id}
            store.create(f"fleet/{name}", json.dumps(document), tagged(SecretDocument(document)))
            rules = {"AutomaticallyAfterDays": 30}
            store.call(
                "RotateSecret",
                SecretId=f"fleet/{name}",
                RotationLambdaARN=FUNCTION_ARN,
                RotationRules=rules,
                RotateImmediately=False,
            )
        yield made


def resets(world):
    """Return how many resets of each user took effect."""
    return {name: world.volcengine.resets(f"id-{name}") for name in USERS}


def test_a_killed_run_is_resumed_without_a_second_reset(world):
    """The process dies after the first rotation; the next one finds what was done, and resets the rest once."""
    environment = os.environ | world.environment()
    slowly = [*COMMAND, "--writes-per-second", "12", "--per-vendor", "3"]
    with subprocess.Popen(slowly, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        _run, line = first.stdout.readline(), first.stdout.readline()
        first.send_signal(signal.SIGKILL)
        first.wait(30)
    world.secrets_manager.join(timeout=30)
    assert json.loads(line)["outcome"] == "rotated"
    assert 1 <= sum(resets(world).values()) < len(USERS)
    again = subprocess.run(
        [*COMMAND, "--writes-per-second", "50"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    summary = json.loads(again.stdout.splitlines()[-1])
    assert summary["already_done"] + summary["rotated"] == len(USERS)
    assert summary["already_done"] >= 1
    assert resets(world) == dict.fromkeys(USERS, 1)
    for name in USERS:
        value = json.loads(world.secrets_manager.value(f"fleet/{name}").reveal())
        assert world.volcengine.live_password(f"id-{name}") == Secret(value["password"])
