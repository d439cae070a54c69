"""A rotation function whose process really dies at a chosen effect.

An effect is one call to the secret store, one request to a vendor, or one login; each is real. Invocations that are to
survive run in this process, which is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

from rotation import handler
from rotation.core.errors import RotationError
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.network.http_door import HttpDoor
from rotation.stores.aws import failures
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.processes.isolated_function import FunctionFailed, Invocation, IsolatedFunction
from rotation_testkit.sandbox.clock import ShiftedClock

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(slots=True, kw_only=True)
class MortalFunction:
    """A rotation function for the Secrets Manager double; an invocation that is to die has a process of its own.

    Attributes:
        environment: the function's variables.
        client: Secrets Manager, for the invocations that survive.
        clock: shared with the simulators; the child gets its offset.
        seconds: the function's time-out.
        fuses: which effect of which invocation is the last one, by the invocation's number from 0.
        effects: names of the effects of each invocation that survived.
        deaths: how many processes died.
        errors: codes of the errors that were raised.
    """

    environment: Mapping[str, str] = field(repr=False)
    client: SecretsManagerClient = field(repr=False)
    clock: ShiftedClock
    seconds: float = 30.0
    fuses: dict[int, tuple[int, Edge]] = field(default_factory=dict)
    effects: list[list[str]] = field(default_factory=list)
    deaths: int = 0
    errors: list[str] = field(default_factory=list)
    _count: int = 0

    def __call__(self, event: Mapping[str, object]) -> None:
        """Run one invocation.

        Raises:
            FunctionFailed: as the service sees a failed step.
        """
        fuse = self.fuses.get(self._count)
        self._count += 1
        if fuse is None:
            self._survive(event)
        else:
            self._die(event, fuse)

    def _survive(self, event: Mapping[str, object]) -> None:
        outside = handler.World(connect=lambda: self.client, environment=self.environment, clock=self.clock)
        with _counted(0, Edge.AFTER) as effects:
            self.effects.append(effects)
            try:
                handler.handle(dict(event), FunctionContext.lasting(self.seconds), outside)
            except RotationError as error:
                self.errors.append(error.code)
                raise FunctionFailed("the invocation failed") from None

    def _die(self, event: Mapping[str, object], fuse: tuple[int, Edge]) -> None:
        ended: list[Invocation] = []
        function = IsolatedFunction(
            environment=self.environment,
            clock=self.clock,
            seconds=self.seconds,
            on_end=ended.append,
            surroundings=(_counted, fuse),
        )
        try:
            function(event)
        except FunctionFailed:
            error = ended[0].report.get("error")
            self.deaths += error is None
            self.errors += [str(cast("dict[str, object]", error)["code"])] if error else []
            raise
        finally:
            if ended[0].seen is not None:
                self.effects.append(cast("list[str]", ended[0].seen))


@contextmanager
def _counted(at: int, edge: Edge) -> Iterator[list[str]]:
    fuse = Fuse(at, edge, exits=True)
    asked, send, login = failures.asked, HttpDoor.send, SshProbe.login
    with (
        patch(
            "rotation.stores.aws.secrets_manager.asked", lambda *args: fuse.pass_through("store", lambda: asked(*args))
        ),
        patch.object(HttpDoor, "send", lambda *args: fuse.pass_through("request", lambda: send(*args))),
        patch.object(SshProbe, "login", lambda *args: fuse.pass_through("login", lambda: login(*args))),
    ):
        yield fuse.effects
