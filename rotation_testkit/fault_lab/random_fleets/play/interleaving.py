"""Several runs that share one virtual time: each makes one effect when it is advanced, and then waits.

A run is a thread, because the engine is plain code that cannot be left in the middle otherwise. Exactly one thread
runs at any moment, so that the outcome depends on the seed alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import Random  # noqa: TID251 - decides whose turn it is
from typing import TypeAlias

from rotation_testkit.fault_lab.in_memory.fuse import Crash

Body: TypeAlias = Callable[[Callable[[], None]], object]
"""A run: a function that calls its argument before each effect."""

_LONGEST_TURN = 12


class PausableRun:
    """One run that can be left before any effect and taken up again."""

    def __init__(self, body: Body) -> None:
        self.ended = False
        self._mine, self._theirs = threading.Lock(), threading.Lock()
        self._abandoned = False
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(body,), daemon=True)
        self._mine.acquire()
        self._theirs.acquire()
        self._thread.start()

    def advance(self) -> None:
        """Run it for one more effect, and raise the exception that ends it, if any."""
        self._mine.release()
        self._theirs.acquire()
        if self.ended:
            self._thread.join()
            if self._raised is not None:
                raise self._raised

    def abandon(self) -> None:
        """End it as a killed process ends; harmless when it has ended."""
        self._abandoned = True
        if not self.ended:
            self._mine.release()
            self._thread.join()

    def _run(self, body: Body) -> None:
        self._mine.acquire()
        try:
            if not self._abandoned:
                body(self._hand_over)
        except BaseException as raised:  # noqa: BLE001 - raised again where the run is advanced
            self._raised = raised
        finally:
            self.ended = True
            self._theirs.release()

    def _hand_over(self) -> None:
        if not self._abandoned:
            self._theirs.release()
            self._mine.acquire()
        if self._abandoned:
            raise Crash("abandoned")


def interleave(bodies: Sequence[Body], random: Random, sleep: Callable[[float], None]) -> None:
    """Run all to their ends, by turns of random length, sometimes with a pause between."""
    runs = [PausableRun(body) for body in bodies]
    try:
        while running := [run for run in runs if not run.ended]:
            run = random.choice(running)
            for _ in range(random.randint(1, _LONGEST_TURN)):
                if run.ended:
                    break
                run.advance()
            if random.random() < 0.1:  # noqa: PLR2004 - now and then
                sleep(random.choice((1.0, 10.0, 45.0)))
    finally:
        for run in runs:
            run.abandon()
