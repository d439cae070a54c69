"""The rotation job in a process of its own that can really die at a chosen effect.

An effect is one request to the KV engine, one request to a vendor, or one login; each is real. Before an effect of the
KV engine the process may pause while the parent does something, such as killing the server.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.network.http_door import HttpDoor
from rotation.stores.vault_kv import JOURNAL_SUFFIX, HvacKv
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.processes.function_context import set_environment
from rotation_testkit.sandbox.clock import ShiftedClock

_PRELOADED = (
    "rotation_testkit.processes.mortal_job",
    "rotation.drivers.vendors.huawei_meeting.driver",
    "rotation.drivers.vendors.ucloud_compshare.driver",
    "paramiko",
    "vault_plugin.job.login",
    "vault_plugin.job.mirroring",
)


def start_fork_server() -> None:
    """Start the server, which imports everything once."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(_PRELOADED))
    forkserver.ensure_running()


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a job's process: its report and effects, or neither when it died."""

    report: Mapping[str, object] | None
    effects: tuple[str, ...] = ()

    @property
    def died(self) -> bool:
        """Whether the process ended before the job did."""
        return self.report is None


@dataclass(slots=True, kw_only=True)
class MortalJob:
    """Runs ``lockstep vault rotate`` in processes.

    Attributes:
        environment: of the job; this process's own variables are not inherited.
        clock: each process gets its offset.
        on_pause: called when the process has reached the effect at which it pauses; the process goes on afterwards.
        lags: whether the node lags behind: then short pauses take real time, and reads, whose number varies, are no
            effects.
    """

    environment: Mapping[str, str] = field(repr=False)
    clock: ShiftedClock
    on_pause: Callable[[], None] = lambda: None
    lags: bool = False

    def run(  # noqa: PLR0913 - where it dies, and how often it tries
        self,
        path: str,
        *,
        at: int = 0,
        only: str | None = None,
        edge: Edge = Edge.AFTER,
        pauses: bool = False,
        attempts: int = 1,
    ) -> Ended:
        """Rotate one secret.

        Args:
            path: of the secret.
            at: number of the effect, from 1, at which the process dies or pauses; 0 is never.
            only: count only effects of this name.
            edge: before or after that effect.
            pauses: pause instead of dying.
            attempts: of the rotation.
        """
        context = multiprocessing.get_context("forkserver")
        mine, theirs = context.Pipe()
        clock = (_WaitingClock if self.lags else ShiftedClock)(self.clock.offset)
        arguments = (theirs, dict(self.environment), clock, path, at, only, str(edge), pauses, attempts, not self.lags)
        process = context.Process(target=_job, args=arguments, daemon=True)
        process.start()
        theirs.close()
        try:
            return self._attend(mine)
        except BaseException:
            process.kill()
            raise
        finally:
            process.join()
            mine.close()

    def _attend(self, pipe: Connection) -> Ended:
        while True:
            try:
                said = pipe.recv()
            except EOFError:
                return Ended(None)
            if said != "paused":
                return Ended(said["report"], tuple(said["effects"]))
            self.on_pause()
            pipe.send("go on")


class _WaitingClock(ShiftedClock):
    """Waits a second at most of each sleep."""

    def sleep(self, seconds: float) -> None:
        """See ``Clock``."""
        time.sleep(min(seconds, 1.0))
        super().sleep(max(0.0, seconds - 1.0))


def _job(  # noqa: PLR0913, PLR0917 - a process's arguments are positional
    pipe: Connection,
    environment: dict[str, str],
    clock: ShiftedClock,
    path: str,
    at: int,
    only: str | None,
    edge: str,
    pauses: bool,  # noqa: FBT001 - as above
    attempts: int,
    reads: bool,  # noqa: FBT001 - as above
) -> None:
    from rotation.deployment.deployment import Deployment
    from vault_plugin.job.kv_rotation import STEP_SECONDS, JobContext, KvRotation
    from vault_plugin.job.login import Login
    from vault_plugin.job.mirroring import with_mirror
    from vault_plugin.job.settings import VaultSettings

    def wait(name: str) -> None:
        del name
        if not waited:  # a fuse that pauses before an effect fires after it, too
            waited.append(True)
            pipe.send("paused")
            pipe.recv()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    waited: list[bool] = []
    set_environment(environment)
    fuse = Fuse(at, Edge(edge), only, exits=True, error=wait if pauses else None)
    with Login(VaultSettings.from_environment(environment), clock=clock) as login, login.kv(seconds=STEP_SECONDS) as kv:
        context = JobContext(
            kv=kv,
            deployment=Deployment.from_environment(environment),
            clock=clock,
            wrap_store=with_mirror(environment),
        )
        with counted(fuse, reads=reads):
            done = KvRotation(context=context, path=path, ordered=True).run(attempts=attempts)
    pipe.send({"report": done.describe(), "effects": fuse.effects})


@contextmanager
def counted(fuse: Fuse, *, reads: bool = True) -> Iterator[None]:
    """Within the block, count every effect of this process's rotations, with or without reads.

    They are called ``read``, ``write`` (of the journal), ``commit``, ``request`` and ``login``.
    """
    read, write, send, login = HvacKv.read, HvacKv.write, HttpDoor.send, SshProbe.login

    def looked(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
        return fuse.pass_through("read", lambda: read(*args, **named)) if reads else read(*args, **named)

    def written(self: HvacKv, path: str, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
        what = "write" if path.endswith(JOURNAL_SUFFIX) else "commit"
        return fuse.pass_through(what, lambda: write(self, path, *args, **named))

    with (
        patch.object(HvacKv, "read", looked),
        patch.object(HvacKv, "write", written),
        patch.object(HttpDoor, "send", lambda *args: fuse.pass_through("request", lambda: send(*args))),
        patch.object(SshProbe, "login", lambda *args: fuse.pass_through("login", lambda: login(*args))),
    ):
        yield
