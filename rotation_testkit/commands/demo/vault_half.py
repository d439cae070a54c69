"""The Vault half of the demonstration: a rotation of each kind, and another with plug-in and server killed in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.state.lease import CLOCK_MARGIN
from rotation_testkit.commands.demo.aws_half import DAY, RESET, Claims
from rotation_testkit.commands.demo.screen import Show, action, note
from rotation_testkit.commands.demo.vault_claims import Observed, about_kv, about_leaks, about_roles
from rotation_testkit.commands.demo.vault_setup import KV_PATH, PERIOD, ROLES, VaultSetup, gone, kill
from rotation_testkit.doubles.vault.kv2 import until_it_serves
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.processes.mortal_job import Ended, MortalJob
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from vault_plugin.job.kv_rotation import STEP_SECONDS

_MOST_SECONDS, _POLL_SECONDS = 60.0, 0.05
_ONE_DAY = 86_400
_LEASE_SECONDS = STEP_SECONDS + CLOCK_MARGIN + 1
"""A lease ends with the time of its step, rounded up to a whole second."""


def vault_claims(setup: Future[VaultSetup], show: Show) -> Claims:
    """Run the half once its set-up is ready; a set-up that failed is a claim that does not hold."""
    try:
        ready = setup.result()
    except Exception as error:  # noqa: BLE001 - any error is reported, a foreign one by its type alone
        yield f"OpenBao: serves, with the plug-in installed ({_why(error)})", False
    else:
        yield from VaultHalf(ready, show).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledRotation:
    """The rotation of a static role during which everything was killed.

    Attributes:
        role: its name.
        candidate: the password that the vendor had accepted by then.
        rotated: the server's time of the rotation before.
        changes: how many resets had taken effect.
    """

    role: str
    candidate: Secret
    rotated: str
    changes: int


@dataclass(slots=True)
class VaultHalf:
    """``run`` shows the rotations and yields the claims."""

    setup: VaultSetup
    show: Show
    release: threading.Event = field(default_factory=threading.Event)
    observed: Observed = field(default_factory=Observed)
    job: MortalJob = field(init=False)

    def __post_init__(self) -> None:
        self.job = MortalJob(environment=self.setup.job_environment(), clock=self.setup.clock)

    def run(self) -> Claims:
        """Run everything and check everything."""
        for message in self.setup.prepared:
            self.show(message)
        try:
            yield from self._rotations()
        except (RotationError, OSError, RuntimeError) as error:
            yield f"OpenBao: played to the end ({_why(error)})", False
        finally:
            self.release.set()
        yield from about_roles(self.setup, self.observed)
        yield from about_kv(self.setup, self.observed)
        yield from about_leaks(self.setup, self.observed)

    def _rotations(self) -> Claims:
        self._look()
        self._rotate()
        reached = self._hang(UCLOUD, skip=1)
        before = {role: seen[-1].rotated for role, seen in self.observed.roles.items()}
        self._await(lambda: any(self._rotated(role, before[role]) for role in ROLES), "the scheduler's next rotation")
        first = next(role for role in ROLES if self.observed.roles[role][-1].rotated != before[role])
        after = _epoch(self.observed.roles[first][-1].rotated) - _epoch(before[first])
        self.show(action(f"static role {first}", "rotated by the server's scheduler; since the last time", after))
        # The server counts in whole seconds.
        yield f"{first}: rotated by OpenBao's own scheduler, at its period of {PERIOD} s", after > PERIOD - 1
        self.show(
            note("Both vendors apply the next change and hold their replies back: plug-in and server are killed.")
        )
        self._await(reached.is_set, "the scheduler's next reset")
        killed = self._find_killed()
        yield from self._killed()
        yield from self._healed(killed)

    def _find_killed(self) -> KilledRotation:
        """Find the role whose reset hangs: the one whose stored password is not live."""
        self._look()
        for role, seen in self.observed.roles.items():
            container = self.setup.container(role)
            live = container.live()
            if live != seen[-1].password:
                return KilledRotation(role=role, candidate=live, rotated=seen[-1].rotated, changes=container.changes())
        raise RuntimeError("the vendor changed nothing")

    def _killed(self) -> Claims:
        self.setup.clock.sleep(DAY)  # the vendor's minimum age
        met = self._hang(HUAWEI)
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(self.job.run, KV_PATH)
            try:
                self._await(lambda: met.is_set() or job.done(), "the job's reset")
                self.observed.look_at_processes(self.setup)
                started = time.monotonic()
                ended = kill(self.setup.server)
                self._await(lambda: all(map(gone, ended)), "the end of the processes")
                seconds = time.monotonic() - started
                self.show(action("kill -9", "plug-in and OpenBao, each in the middle of a rotation", seconds))
            finally:
                self.release.set()
            self._note(job.result(), time.monotonic() - started)
        yield (
            f"OpenBao: {len(ended)} processes were really killed, both resets applied",
            len(ended) > 1 and met.is_set(),
        )

    def _healed(self, killed: KilledRotation) -> Claims:
        started = time.monotonic()
        self.setup.server.start()
        self.show(action("OpenBao", "started again, unsealed by its own key", time.monotonic() - started))
        ahead = f"{_LEASE_SECONDS:.0f} s ahead, past the lease of the run that broke off"
        self.show(note(f"  (The job's clock is moved {ahead}.)"))
        self.setup.clock.sleep(_LEASE_SECONDS)
        until_it_serves(self.setup.kv)
        self._rotate()
        self._await(lambda: self._rotated(killed.role, killed.rotated), "the scheduler's repetition")
        found = self.observed.roles[killed.role][-1].password
        resets = self.setup.container(killed.role).changes() - killed.changes
        seconds = time.monotonic() - started
        self.show(action(f"static role {killed.role}", "healed by the scheduler; since the start", seconds))
        for role in ROLES:
            self._await(lambda role=role: self._settled(role), f"role {role} to rest")  # type: ignore[misc]  # bound now, on purpose
        same = found == killed.candidate and resets == 0
        yield f"{killed.role}: stored is what the vendor took before the kill, {resets} further resets", same

    def _rotate(self) -> None:
        started = time.monotonic()
        self._note(self.job.run(KV_PATH), time.monotonic() - started)

    def _note(self, ended: Ended, seconds: float) -> None:
        """Keep and show how a run of the KV job ended."""
        report = dict(ended.report or {"outcome": "ended early"})
        self.observed.jobs.append(report)
        outcome = f"{'resumed, ' if report.get('resumed') else ''}{report['outcome']}"
        if report.get("evidence"):
            outcome += f" by {report['evidence']}"
        if report.get("gap_ms") is not None and not report.get("resumed"):  # else the moved clock is in it
            outcome += f"; gap for readers {report['gap_ms']} ms"
        self.show(action("KV secret", outcome, seconds, failed=report.get("outcome") != "promoted"))

    def _hang(self, code: str, *, skip: int = 0) -> threading.Event:
        """Make a vendor apply the next reset and hold back its reply; return the event that is set then."""
        reached = threading.Event()
        vendor = self.setup.containers if code == UCLOUD else self.setup.meeting
        faults = vendor.simulator.faults
        faults.add(RESET[code], FaultKind.HANG, skip=skip, applied=True, event=self.release, reached=reached)
        return reached

    def _look(self) -> None:
        for role in ROLES:
            self.observed.roles[role].append(self.setup.stored(role))

    def _rotated(self, role: str, before: str) -> bool:
        """Return whether the server has recorded another rotation, and keep what readers get then."""
        seen = self.setup.stored(role)
        if seen.rotated == before:
            return False
        self.observed.roles[role].append(seen)
        return True

    def _settled(self, role: str) -> bool:
        """Stop the rotations of a role, so that nothing moves while it is checked."""
        self.setup.set_period(role, _ONE_DAY)
        return self.setup.stored(role).password == self.setup.container(role).live()

    @staticmethod
    def _await(holds: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; a server that has just started may refuse for a while."""
        deadline = time.monotonic() + _MOST_SECONDS
        while not _quietly(holds):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {_MOST_SECONDS:.0f} s for {what}")
            time.sleep(_POLL_SECONDS)


def _why(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, RotationError) else type(error).__name__


def _quietly(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except RotationError:
        return False


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
