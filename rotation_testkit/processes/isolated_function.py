"""The rotation function, one operating-system process per invocation, so that an invocation can really be killed.

The processes are forked from a server that has imported the handler. They do not share the parent's memory, and with it
the passwords that it may hold.
"""

from __future__ import annotations

import io
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from rotation import handler
from rotation.core.errors import InternalError, RotationError
from rotation_testkit.processes.function_context import FunctionContext, set_environment
from rotation_testkit.sandbox.clock import ShiftedClock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_PRELOADED = (
    "rotation_testkit.processes.fork_warm_up",
    "rotation_testkit.processes.mortal_function",
    "rotation.drivers.vendors.huawei_meeting.driver",
    "rotation.drivers.vendors.ucloud_compshare.driver",
    "rotation.drivers.logins.ssh",
    "paramiko",
)
_POLL_SECONDS = 0.02


def start_fork_server(*more: str) -> None:
    """Start the server, which imports everything and ``more`` modules while the caller goes on."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([*_PRELOADED, *more])
    forkserver.ensure_running()


class FunctionFailed(Exception):
    """An invocation raised, or its process ended early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One invocation that has ended.

    Attributes:
        event: what it was called with.
        report: the fields of its log line; only ``error`` when it failed, empty when its process ended early.
        seconds: wall-clock time, the process included.
        killed: whether the process was killed from outside.
        seen: what the surroundings yielded (see ``IsolatedFunction.surroundings``).
        logs: everything that it wrote.
    """

    event: Mapping[str, object] = field(repr=False)
    report: Mapping[str, object]
    seconds: float
    killed: bool = False
    seen: object = None
    logs: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class IsolatedFunction:
    """A rotation function for the Secrets Manager double.

    Attributes:
        environment: the function's variables; this process's own are not inherited.
        clock: each process gets its offset.
        seconds: the function's time-out.
        on_end: called with each invocation that has ended.
        kill_now: kills the running process when it is set.
        surroundings: a context manager's function and arguments; the child enters it around the handler, and reports
            what it yields when the handler has ended.
    """

    environment: Mapping[str, str] = field(repr=False)
    clock: ShiftedClock
    seconds: float
    on_end: Callable[[Invocation], None]
    kill_now: threading.Event = field(default_factory=threading.Event)
    surroundings: tuple[Callable[..., AbstractContextManager[object]], tuple[object, ...]] = (nullcontext, ())

    def __call__(self, event: Mapping[str, object]) -> None:
        """Run one invocation.

        Raises:
            FunctionFailed: as Secrets Manager sees a failed step.
        """
        started = time.monotonic()
        context = multiprocessing.get_context("forkserver")
        receiver, sender = context.Pipe(duplex=False)
        arguments = (sender, dict(event), dict(self.environment), self.clock.offset, self.seconds, self.surroundings)
        process = context.Process(target=_invocation, args=arguments, daemon=True)
        process.start()
        sender.close()
        self._attend(receiver, process, started + self.seconds)
        answer: dict[str, object] = {}
        with suppress(EOFError):
            answer = receiver.recv()
        process.join()
        receiver.close()
        killed = process.exitcode == -signal.SIGKILL
        report = cast("dict[str, object]", answer.get("report", {}))
        self.on_end(
            Invocation(
                event=event,
                report=report,
                seconds=time.monotonic() - started,
                killed=killed,
                logs=str(answer.get("logs", "")),
                seen=answer.get("seen"),
            )
        )
        if "outcome" not in report:
            raise FunctionFailed("the invocation failed")

    def _attend(self, receiver: Connection, process: BaseProcess, deadline: float) -> None:
        """Wait for the answer; kill the process when ``kill_now`` is set or the time is over."""
        while not wait([receiver, process.sentinel], timeout=_POLL_SECONDS):
            if self.kill_now.is_set() or time.monotonic() > deadline:
                process.kill()
                process.join()
                self.kill_now.clear()
                return


def _invocation(  # noqa: PLR0913, PLR0917 - a process's arguments are positional
    sender: Connection,
    event: dict[str, object],
    environment: dict[str, str],
    offset: float,
    seconds: float,
    within: tuple[Callable[..., AbstractContextManager[object]], tuple[object, ...]],
) -> None:
    """Run in the child: the real handler with a real client over the wire."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    set_environment(environment)
    surroundings, arguments = within
    written = io.StringIO()
    report: dict[str, object]
    with redirect_stdout(written), redirect_stderr(written), surroundings(*arguments) as seen:
        try:
            world = handler.World(connect=_client, environment=environment, clock=ShiftedClock(offset))
            report = handler.handle(event, FunctionContext.lasting(seconds), world)
        except RotationError as error:
            report = {"error": error.describe()}
        except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
            report = {"error": InternalError(f"{type(foreign).__name__} before the handler ran").describe()}
    with suppress(BrokenPipeError):  # the parent was interrupted
        sender.send({"report": report, "logs": written.getvalue(), "seen": seen})


def _client() -> SecretsManagerClient:
    """Return a client by the environment; a proxy would not reach loopback."""
    config = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=10, proxies={})
    return cast("SecretsManagerClient", aws_session().create_client("secretsmanager", config=config))


@lru_cache(maxsize=1)
def aws_session() -> botocore.session.Session:
    """Return this process's session, which keeps the service's model: reading it is slow."""
    return botocore.session.Session()
