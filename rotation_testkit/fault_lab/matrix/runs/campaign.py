"""All runs with n faults over all worlds, on several processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.explore import Explorer, Tally
from rotation_testkit.fault_lab.matrix.worlds.setups import SPACINGS, make
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS


def explored(line: Line, faults: int, around: int = 0, attempts: int = ATTEMPTS) -> Tally:
    """Return the tally of a world's runs with exactly so many faults of effects, and of what is around."""
    begun = time.process_time()
    tally = Explorer(make(line, attempts=attempts)).runs(faults, around)
    tally.seconds = time.process_time() - begun
    return tally


def campaign(
    lines: Sequence[Line], faults: int, *, around: int = 0, jobs: int = 0, attempts: int = ATTEMPTS
) -> Iterator[tuple[Line, Tally]]:
    """Yield each world's tally as soon as it is complete.

    Args:
        lines: the worlds.
        faults: how many faults of effects each run has.
        around: how many of what is around: the process, its machine's clock, its output.
        jobs: processes; as many as there are cores when 0, and only this one when 1.
        attempts: after how many the service gives up.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        for line in lines:
            yield line, explored(line, faults, around, attempts)
        return
    context = get_context("forkserver")
    # botocore's model alone takes half a second to read.
    context.set_forkserver_preload(
        [
            __name__,
            "rotation_testkit.fault_lab.matrix.worlds.aws_backend",
            "rotation_testkit.fault_lab.matrix.worlds.vault_backend",
        ]
    )
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        # The longest first, so that the last ones to end are short.
        running = {
            pool.submit(explored, line, faults, around, attempts): line
            for line in sorted(lines, key=effort, reverse=True)
        }
        for each in as_completed(running):
            yield running[each], each.result()


def effort(line: Line) -> float:
    """Return about how long a world takes, compared with others; measured."""
    store = {"vault": 6.0, "aws": 3.0}.get(line.store, 1.0)
    machine, task = 3.0, 2.5
    slow = {"admin_vm": machine, "admin_restart": machine, "admin_task": task, "admin_state": task, "self": 1.5}
    driver = slow.get(line.driver, 1.0)
    return store * driver * (1.0 if line.spacing > SPACINGS[0] else 1.4)
