"""``lockstep vault run`` that is asked to stop: the rotation that has begun is ended, and no other one begins."""

import os
import signal
import threading
import time

from rotation.core.process import stop
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE

CHANGE = "PUT /v1/usg/acs/password"


def ask_while_the_reset_hangs(world, *, applied=True):
    """Send this process SIGINT once the vendor has the reset, and let it answer afterwards, or drop the connection."""
    reached, go_on = threading.Event(), threading.Event()
    world.huawei.faults.add(CHANGE, FaultKind.HANG, applied=applied, event=go_on, reached=reached, seconds=60)

    def ask():
        reached.wait(60)
        os.kill(os.getpid(), signal.SIGINT)
        while not stop.requested():
            time.sleep(0.01)
        go_on.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    return asking


def test_the_queue_does_not_begin(cli):
    """One rotation ends in order, the other one never starts, and the next run does what is left."""
    with cli(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "30d"}) as (started, run):
        world = started.world
        for account, vendor, call in ((HUAWEI, world.huawei, CHANGE), (VOLCENGINE, world.volcengine, "ResetPassword")):
            vendor.faults.add(call, FaultKind.THROTTLE)
            assert run("rotate", started.path(account), "--attempts=1")[0] == 1  # what has begun is due at once
        options = ("run", f"--prefix={started.folder}/apps", "--jobs=1", "--json")
        with stop.heeding():
            asking = ask_while_the_reset_hangs(world)
            code, (rotation, summary, error) = run(*options)
            asking.join(10)
        stop._process.asked_at = None
        assert (code, error["code"]) == (130, "interrupted")
        assert (rotation["path"], rotation["outcome"]) == (started.path(HUAWEI), "promoted")
        assert (summary["due"], summary["failed"]) == (2, 0)
        assert "of 2 due secrets 1 are rotated, 0 have failed" in error["message"]
        assert (world.changes(HUAWEI), world.changes(VOLCENGINE)) == (1, 0)
        code, (rotation, summary) = run(*options)
        assert (code, rotation["path"], summary["due"]) == (0, started.path(VOLCENGINE), 1)


def test_one_rotation_says_where_it_stands(cli):
    """After a lost answer and Ctrl-C no other attempt begins; token and command are named, and the next run heals."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path = started.path(HUAWEI)
        with stop.heeding():
            asking = ask_while_the_reset_hangs(started.world, applied=False)
            code, (rotated,) = run("rotate", path, "--json")
            asking.join(10)
        stop._process.asked_at = None
        assert (code, rotated["outcome"], rotated["attempts"]) == (130, "interrupted", 1)
        assert f"rotation {rotated['token']} stopped: a reset was or may have been sent" in rotated["error"]["message"]
        assert rotated["error"]["hint"] == f"`lockstep vault rotate {path}` continues it."
        code, (again,) = run("rotate", path, "--json")
        assert (code, again["token"], again["resumed"]) == (0, rotated["token"], True)
        assert started.world.changes(HUAWEI) == 1
