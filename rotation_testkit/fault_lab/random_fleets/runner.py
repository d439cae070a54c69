"""Many schedules, in several processes; the same seed finds the same first violation with any number of them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from rotation_testkit.fault_lab.random_fleets.schedule.generate import schedule
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, play, shortest

CHUNK = 50
"""Schedules that a process is given at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The first violation of a run.

    Attributes:
        number: of the schedule.
        violation: what does not hold, with the invariant's number.
        script: the shortest script found that shows it.
    """

    number: int
    violation: str
    script: Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found.

    Attributes:
        seed: the run's.
        runs: schedules played.
        seconds: wall time.
        finding: the first violation; ``None`` when every invariant held in every schedule.
    """

    seed: int
    runs: int
    seconds: float
    finding: Finding | None

    @property
    def runs_per_second(self) -> float:
        """How fast it went."""
        return self.runs / self.seconds if self.seconds else 0.0


def script_of(seed: int, number: int) -> Script:
    """Return the schedule of that number in the run of that seed."""
    return Script(*schedule(seed, number))


def simulate(seed: int, runs: int, *, workers: int = 1, progress: Callable[[int], None] = lambda _done: None) -> Report:
    """Play schedules until one violates an invariant.

    Args:
        seed: of the run; with the same seed, schedules are the same.
        runs: how many schedules.
        workers: processes; 1 plays in this one.
        progress: takes how many more were played.
    """
    started, played = time.monotonic(), 0
    finding: Finding | None = None
    for count, number in _chunks(seed, runs, workers):
        played += count
        progress(count)
        if number is not None:
            finding = _finding(seed, number)
            break
    return Report(seed=seed, runs=played, seconds=time.monotonic() - started, finding=finding)


def first_bad(seed: int, first: int, count: int) -> tuple[int, int | None]:
    """Play some schedules. Return how many were played and the number of the one that violates an invariant."""
    for number in range(first, first + count):
        if play(script_of(seed, number)) is not None:
            return number - first + 1, number
    return count, None


def _finding(seed: int, number: int) -> Finding:
    script = script_of(seed, number)
    violation = play(script)
    if violation is None:
        raise AssertionError(f"schedule {number} of seed {seed} does not repeat itself")
    short = shortest(script, violation)
    return Finding(number=number, violation=str(play(short)), script=short)


def _chunks(seed: int, runs: int, workers: int) -> Iterator[tuple[int, int | None]]:
    """Yield the chunks' results in order."""
    tasks = ((seed, first, min(CHUNK, runs - first)) for first in range(0, runs, CHUNK))
    if workers == 1:
        yield from (first_bad(*task) for task in tasks)
        return
    with _pool(workers) as pool:
        waiting: list[Future[tuple[int, int | None]]] = []
        for task in tasks:
            waiting.append(pool.submit(first_bad, *task))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        yield from (future.result() for future in waiting)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
