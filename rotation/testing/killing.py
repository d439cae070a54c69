"""The rotation function in a process of its own that really dies at a chosen effect.

An effect is one call to the secret store, one request to a vendor, or one login. The process is forked from a server
that has imported everything, so a death costs milliseconds.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

import botocore.session
from botocore.config import Config

from rotation import handler
from rotation.errors import RotationError
from rotation.http import HttpDoor
from rotation.probes.ssh import SshProbe
from rotation.testing.fuse import Edge, Fuse
from rotation.testing.world import ShiftedClock

_PRELOAD = ["rotation.testing.killing", "rotation.drivers.huawei_meeting", "rotation.drivers.ucloud_compshare"]
_STORE_EFFECTS = (
    "describe_secret",
    "get_secret_value",
    "put_secret_value",
    "update_secret_version_stage",
)


class StepFailed(Exception):
    """The step raised, or its process died."""


@dataclass(slots=True, kw_only=True)
class MortalFunction:
    """A rotation function for the Secrets Manager double.

    Attributes:
        environment: the function's variables.
        clock: shared with the simulators; the child gets its offset.
        seconds: the function's time-out.
        fuses: which effect of which invocation is the last one, by the invocation's number from 0.
        effects: names of the effects of each invocation that survived.
        deaths: how many processes died.
        written: everything that the processes wrote to standard output and error.
        errors: codes of the errors that were raised.
    """

    environment: Mapping[str, str] = field(repr=False)
    clock: ShiftedClock
    seconds: float = 30.0
    fuses: dict[int, tuple[int, Edge]] = field(default_factory=dict)
    effects: list[list[str]] = field(default_factory=list)
    deaths: int = 0
    written: list[str] = field(default_factory=list, repr=False)
    errors: list[str] = field(default_factory=list)
    _count: int = 0

    def __call__(self, event: Mapping[str, object]) -> None:
        """Run one invocation in a process of its own.

        Raises:
            StepFailed: as the service sees it.
        """
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOAD)
        receiver, sender = context.Pipe(duplex=False)
        at, edge = self.fuses.get(self._count, (0, Edge.AFTER))
        self._count += 1
        arguments = (sender, dict(event), dict(self.environment), self.clock.offset, self.seconds, at, edge)
        process = context.Process(target=_invocation, args=arguments, daemon=True)
        process.start()
        sender.close()
        try:
            answer: dict[str, Any] = receiver.recv() if receiver.poll(self.seconds) else {}
        except EOFError:
            answer = {}
        process.join(timeout=5)
        if process.is_alive():
            process.kill()
            process.join()
        receiver.close()
        if not answer:
            self.deaths += 1
            raise StepFailed("the process died")
        self.effects.append(answer["effects"])
        self.written.append(answer["written"])
        if answer["error"]:
            self.errors.append(answer["error"])
            raise StepFailed(answer["error"])


class _Context:
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def _invocation(  # noqa: PLR0913, PLR0917 - a process's arguments are positional
    sender: Connection,
    event: dict[str, object],
    environment: dict[str, str],
    offset: float,
    seconds: float,
    at: int,
    edge: Edge,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    fuse = Fuse(at, edge, exits=True)
    written = io.StringIO()
    error = ""
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written), _counted(fuse):
        world = handler.World(
            client=fuse.wrap(_client(environment), _STORE_EFFECTS), environment=environment, clock=ShiftedClock(offset)
        )
        try:
            handler.handle(event, _Context(seconds), world)
        except RotationError as failure:
            error = failure.code
    sender.send({"effects": fuse.effects, "written": written.getvalue(), "error": error})


@contextlib.contextmanager
def _counted(fuse: Fuse) -> Any:  # noqa: ANN401 - a context manager
    """Make every request and every login of this process an effect; what they do stays real."""
    send, login = HttpDoor.send, SshProbe.login
    with (
        patch.object(HttpDoor, "send", lambda *args: fuse.pass_through("request", lambda: send(*args))),
        patch.object(SshProbe, "login", lambda *args: fuse.pass_through("login", lambda: login(*args))),
    ):
        yield


def _client(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - a generated botocore client
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10, proxies={})
    return _SESSION.create_client(
        "secretsmanager",
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=config,
    )


_SESSION = botocore.session.Session()
"""Holds the parsed service model, so that a forked process need not parse it again."""
_client(
    {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
)
