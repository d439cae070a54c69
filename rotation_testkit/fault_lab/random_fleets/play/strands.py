"""Several runs that share one virtual time: each goes on only when told, and hands back before its next effect.

A strand is a thread, since the engine is plain code that cannot be left in the middle otherwise. Exactly one thread
runs at any moment, so that nothing depends on the machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import Random  # noqa: TID251 - decides whose turn it is
from typing import TypeAlias

from rotation_testkit.fault_lab.in_memory.fuse import Crash

Body: TypeAlias = Callable[[Callable[[], None]], object]
"""A run; it calls what it is given before each of its effects."""

_LONGEST_TURN = 12


class Strand:
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
        """Let it make one effect more; what ends it with an exception is raised here."""
        self._mine.release()
        self._theirs.acquire()
        if self.ended:
            self._thread.join()
            if self._raised is not None:
                raise self._raised

    def abandon(self) -> None:
        """End it as a process ends that is killed; harmless when it has ended."""
        self._abandoned = True
        if not self.ended:
            self._mine.release()
            self._thread.join()

    def _run(self, body: Body) -> None:
        self._mine.acquire()
        try:
            if not self._abandoned:
                body(self._hand_over)
        except BaseException as raised:  # noqa: BLE001 - carried to whoever advances it
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
    """Run all to their ends, by turns of random length, now and then with some time between."""
    strands = [Strand(body) for body in bodies]
    try:
        while running := [strand for strand in strands if not strand.ended]:
            strand = random.choice(running)
            for _ in range(random.randint(1, _LONGEST_TURN)):
                if strand.ended:
                    break
                strand.advance()
            if random.random() < 0.1:  # noqa: PLR2004 - now and then
                sleep(random.choice((1.0, 10.0, 45.0)))
    finally:
        for strand in strands:
            strand.abandon()
