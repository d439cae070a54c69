"""The rotation function, one operating-system process per invocation, so that an invocation can really be killed.

The processes are forked from a server that has imported the handler already. The parent's memory, and with it every
password that it may hold, is not theirs.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from rotation import handler
from rotation.cli._context import FunctionContext
from rotation.errors import RotationError
from rotation.testing.world import ShiftedClock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_PRELOADED = (
    "rotation.cli._function",
    "rotation.drivers.huawei_meeting",
    "rotation.drivers.ucloud_compshare",
    "rotation.probes.ssh",
)
_GLANCE_SECONDS = 0.02


class FunctionFailed(Exception):
    """An invocation raised, or its process ended early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How one invocation went.

    Attributes:
        event: what it was called with.
        report: the fields of its log line; only ``error`` when it failed, empty when the process died.
        seconds: wall-clock time, the process included.
        killed: whether the process was killed.
        logs: everything it wrote.
    """

    event: Mapping[str, object] = field(repr=False)
    report: Mapping[str, object]
    seconds: float
    killed: bool = False
    logs: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class IsolatedFunction:
    """A rotation function for the Secrets Manager double.

    Attributes:
        environment: the function's variables; nothing of this process's own is inherited.
        clock: its offset is handed to each process.
        seconds: the function's time-out.
        told: hears of each invocation when it has ended.
        doom: when this is set, the running process is killed.
    """

    environment: Mapping[str, str] = field(repr=False)
    clock: ShiftedClock
    seconds: float
    told: Callable[[Invocation], None]
    doom: threading.Event = field(default_factory=threading.Event)

    def __call__(self, event: Mapping[str, object]) -> None:
        """Run one invocation.

        Raises:
            FunctionFailed: as Secrets Manager sees a failed step.
        """
        started = time.monotonic()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_PRELOADED))
        receiver, sender = context.Pipe(duplex=False)
        arguments = (sender, dict(event), dict(self.environment), self.clock.offset, self.seconds)
        process = context.Process(target=_invocation, args=arguments, daemon=True)
        process.start()
        sender.close()
        killed = self._attend(receiver, process, started + self.seconds)
        answer: dict[str, object] = {}
        if not killed:
            try:
                answer = receiver.recv()
            except EOFError:
                killed = True
        process.join()
        receiver.close()
        report = cast("dict[str, object]", answer.get("report", {}))
        self.told(
            Invocation(
                event=event,
                report=report,
                seconds=time.monotonic() - started,
                killed=killed,
                logs=str(answer.get("logs", "")),
            )
        )
        if killed or "error" in report:
            raise FunctionFailed("the invocation failed")

    def _attend(self, receiver: Connection, process: multiprocessing.process.BaseProcess, deadline: float) -> bool:
        """Wait for the answer; kill the process when doom is set or its time is over. Return whether it was killed."""
        while not wait([receiver, process.sentinel], timeout=_GLANCE_SECONDS):
            if self.doom.is_set() or time.monotonic() > deadline:
                process.kill()
                process.join()
                self.doom.clear()
                return True
        return False


def _invocation(
    sender: Connection, event: dict[str, object], environment: dict[str, str], offset: float, seconds: float
) -> None:
    """Run in the child: the real handler with a real client over the wire."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    os.environ.clear()
    os.environ.update(environment, AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    written = io.StringIO()
    report: dict[str, object]
    with redirect_stdout(written), redirect_stderr(written):
        world = handler.World(client=_client(environment), environment=environment, clock=ShiftedClock(offset))
        try:
            report = handler.handle(event, FunctionContext.lasting(seconds), world)
        except RotationError as error:
            report = {"error": error.describe()}
    sender.send({"report": report, "logs": written.getvalue()})


def _client(environment: Mapping[str, str]) -> SecretsManagerClient:
    client = botocore.session.Session().create_client(
        "secretsmanager",
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL_SECRETSMANAGER"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=10, proxies={}),
    )
    return cast("SecretsManagerClient", client)
