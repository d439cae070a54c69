"""The demonstration's Vault half: a rotation of each kind, and another with plug-in and server killed in the middle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.commands.demo.aws_acts import DAY, RESET, Claims
from rotation_testkit.commands.demo.screen import Board, Done
from rotation_testkit.commands.demo.vault_claims import Record, about_kv, about_leaks, about_roles
from rotation_testkit.commands.demo.vault_stage import KV_PATH, PERIOD, ROLES, Stage, gone, kill
from rotation_testkit.doubles.vault.kv2 import until_it_serves
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.processes.mortal_job import Ended, MortalJob
from rotation_testkit.sandbox.vendors import HUAWEI, UCLOUD
from vault_plugin.job.kv_rotation import STEP_SECONDS

_PATIENCE, _GLANCE = 60.0, 0.05
_SELDOM = 86_400
_LEASE_SECONDS = STEP_SECONDS + 1
"""A lease ends with its step's time, on a whole second."""


def played(stage: Future[Stage], board: Board) -> Claims:
    """Play the half once its stage is ready, or claim in vain that it is."""
    try:
        ready = stage.result()
    except Exception as error:  # noqa: BLE001 - whatever kept it from being played is told, by its type alone
        yield f"OpenBao: serves, with the plug-in installed ({_why(error)})", False
    else:
        yield from VaultPlay(ready, board).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The static role that a rotation was under way for when everything was killed.

    Attributes:
        role: its name.
        candidate: what the vendor had taken by then.
        rotated: the server's note of the rotation before.
        changes: how many resets had taken effect.
    """

    role: str
    candidate: Secret
    rotated: str
    changes: int


@dataclass(slots=True)
class VaultPlay:
    """The script. ``run`` shows it and yields what was claimed and whether it holds."""

    stage: Stage
    board: Board
    release: threading.Event = field(default_factory=threading.Event)
    record: Record = field(default_factory=Record)
    job: MortalJob = field(init=False)

    def __post_init__(self) -> None:
        self.job = MortalJob(environment=self.stage.job_environment(), clock=self.stage.clock)

    def run(self) -> Claims:
        """Play everything and check everything."""
        for done in self.stage.prepared:
            self.board.done(done)
        try:
            yield from self._acts()
        except (RotationError, OSError, RuntimeError) as error:
            yield f"OpenBao: played to the end ({_why(error)})", False
        finally:
            self.release.set()
        yield from about_roles(self.stage, self.record)
        yield from about_kv(self.stage, self.record)
        yield from about_leaks(self.stage, self.record)

    def _acts(self) -> Claims:
        self._look()
        self._rotate()
        reached = self._hang(UCLOUD, skip=1)
        before = {role: seen[-1].rotated for role, seen in self.record.roles.items()}
        self._await(lambda: any(self._rotated(role, before[role]) for role in ROLES), "the scheduler's next rotation")
        first = next(role for role in ROLES if self.record.roles[role][-1].rotated != before[role])
        after = _epoch(self.record.roles[first][-1].rotated) - _epoch(before[first])
        self.board.done(Done(f"static role {first}", "rotated by the server's scheduler; since the last time", after))
        # The server counts in whole seconds.
        yield f"{first}: rotated by OpenBao's own scheduler, at its period of {PERIOD} s", after > PERIOD - 1
        self.board.say("Both vendors apply the next change and hold their replies back: plug-in and server are killed.")
        self._await(reached.is_set, "the scheduler's next reset")
        hit = self._hit()
        yield from self._killed()
        yield from self._healed(hit)

    def _hit(self) -> Hit:
        """Find the role whose reset hangs: the only one whose stored password is not live."""
        self._look()
        for role, seen in self.record.roles.items():
            tenant = self.stage.tenant(role)
            if tenant.live() != seen[-1].password:
                return Hit(role=role, candidate=tenant.live(), rotated=seen[-1].rotated, changes=tenant.changes())
        raise RuntimeError("the vendor changed nothing")

    def _killed(self) -> Claims:
        self.stage.clock.sleep(DAY)  # the vendor's minimum age
        met = self._hang(HUAWEI)
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(self.job.run, KV_PATH)
            try:
                self._await(lambda: met.is_set() or job.done(), "the job's reset")
                self.record.look_at_processes(self.stage)
                started = time.monotonic()
                ended = kill(self.stage.server)
                self._await(lambda: all(map(gone, ended)), "the end of the processes")
                seconds = time.monotonic() - started
                self.board.done(Done("kill -9", "plug-in and OpenBao, each in the middle of a rotation", seconds))
            finally:
                self.release.set()
            self._note(job.result(), time.monotonic() - started)
        yield (
            f"OpenBao: {len(ended)} processes were really killed, both resets applied",
            len(ended) > 1 and met.is_set(),
        )

    def _healed(self, hit: Hit) -> Claims:
        started = time.monotonic()
        self.stage.server.start()
        self.board.done(Done("OpenBao", "started again, unsealed by its own key", time.monotonic() - started))
        self.board.say(
            f"  (The job's clock is moved {_LEASE_SECONDS:.0f} s ahead, past the lease of the run that broke off.)"
        )
        self.stage.clock.sleep(_LEASE_SECONDS)
        until_it_serves(self.stage.kv)
        self._rotate()
        self._await(lambda: self._rotated(hit.role, hit.rotated), "the scheduler's repetition")
        found, resets = self.record.roles[hit.role][-1].password, self.stage.tenant(hit.role).changes() - hit.changes
        self.board.done(
            Done(f"static role {hit.role}", "healed by the scheduler; since the start", time.monotonic() - started)
        )
        for role in ROLES:
            self._await(lambda role=role: self._settled(role), f"role {role} to be let alone")  # type: ignore[misc]  # bound now, on purpose
        same = found == hit.candidate and resets == 0
        yield f"{hit.role}: stored is what the vendor took before the kill, {resets} further resets", same

    def _rotate(self) -> None:
        started = time.monotonic()
        self._note(self.job.run(KV_PATH), time.monotonic() - started)

    def _note(self, ended: Ended, seconds: float) -> None:
        """Keep and show how a run of the KV job ended."""
        report = dict(ended.report or {"outcome": "ended early"})
        self.record.jobs.append(report)
        outcome = f"{'resumed, ' if report.get('resumed') else ''}{report['outcome']}"
        if report.get("evidence"):
            outcome += f" by {report['evidence']}"
        if report.get("gap_ms") is not None and not report.get("resumed"):  # else the moved clock is in it
            outcome += f"; gap for readers {report['gap_ms']} ms"
        self.board.done(Done("KV secret", outcome, seconds, failed=report.get("outcome") != "promoted"))

    def _hang(self, code: str, *, skip: int = 0) -> threading.Event:
        """Let a vendor apply a reset and hold its reply back. Returns what tells that it has."""
        reached = threading.Event()
        estate = self.stage.containers if code == UCLOUD else self.stage.meeting
        faults = estate.simulator.faults
        faults.add(RESET[code], FaultKind.HANG, skip=skip, applied=True, event=self.release, reached=reached)
        return reached

    def _look(self) -> None:
        for role in ROLES:
            self.record.roles[role].append(self.stage.stored(role))

    def _rotated(self, role: str, before: str) -> bool:
        """Say whether the server has noted another rotation, and keep what readers get then."""
        seen = self.stage.stored(role)
        if seen.rotated == before:
            return False
        self.record.roles[role].append(seen)
        return True

    def _settled(self, role: str) -> bool:
        """Have a role rotated no more for the moment, so that nothing moves while it is checked."""
        self.stage.set_period(role, _SELDOM)
        return self.stage.stored(role).password == self.stage.tenant(role).live()

    @staticmethod
    def _await(holds: Callable[[], bool], what: str) -> None:
        """Look again and again; a server that has just started may refuse for a while."""
        deadline = time.monotonic() + _PATIENCE
        while not _quietly(holds):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {_PATIENCE:.0f} s for {what}")
            time.sleep(_GLANCE)


def _why(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, RotationError) else type(error).__name__


def _quietly(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except RotationError:
        return False


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
