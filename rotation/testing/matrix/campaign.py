"""All runs with n faults over all worlds, on as many processes as there are."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context

from rotation.testing.matrix.explore import Explorer, Tally
from rotation.testing.matrix.faults import Line
from rotation.testing.matrix.setups import make


def explored(line: Line, faults: int) -> Tally:
    """Return the tally of all runs of one world with exactly so many faults."""
    with seldom_collected():
        return Explorer(make(line)).runs(faults)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector look seldom, and at what is young: all that is kept are states, which are no rings."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 10, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def campaign(lines: Sequence[Line], faults: int, *, jobs: int = 0) -> Iterator[tuple[Line, Tally]]:
    """Yield each world's tally as soon as it is there.

    Args:
        lines: the worlds.
        faults: how many faults each run has.
        jobs: processes; as many as there are cores when 0, and none beside this one when 1.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        for line in lines:
            yield line, explored(line, faults)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        running = {pool.submit(explored, line, faults): line for line in lines}
        for each in as_completed(running):
            yield running[each], each.result()
