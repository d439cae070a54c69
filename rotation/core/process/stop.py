"""Whether this process is asked to stop, by Ctrl-C, SIGTERM or a terminal that has gone, and how it then ends.

``heeding`` handles the signals, as PID 1, too, where the system's default handlers do not exist. Inside ``work`` the
first signal is only noted: loops ask ``requested`` and begin nothing new, and what has begun may continue for the grace
time, since ``seconds_left`` shortens what each step may take. A second signal, or the end of the grace time, raises
``Halted``. Outside of ``work`` the first signal does. Example, a rotation:

- second 0: setSecret begins; its reset takes 3 s. At second 1 SIGTERM comes.
- second 3: the reset is done; testSecret and finishSecret end what has begun, and the process leaves by itself.
- If the vendor does not answer, ``Halted`` is raised at second 26. On its way out the step gives the lease back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from rotation.core.clock import Clock
from rotation.core.errors import Interrupted

GRACE_SECONDS = 25.0
"""For what has begun. Kubernetes waits 30 s by default before it kills; a second Ctrl-C ends it at once."""
HALT_SECONDS = 3.0
"""For what runs in other threads, once the process must stop at once."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLICE_SECONDS = 0.25
_NOTICE = f"\nEnding what has begun, for at most {GRACE_SECONDS:.0f} s; a second signal (Ctrl-C) stops at once.\n"


class Halted(BaseException):
    """This process stops now: clean up and leave."""


@dataclass(slots=True)
class _Process:
    asked_at: float | None = None
    halted: bool = False
    at_work: int = 0


_process = _Process()


def requested() -> bool:
    """Return whether the process is asked to stop."""
    return _process.asked_at is not None


def halted() -> bool:
    """Return whether it must stop at once."""
    return _process.halted


def at_work() -> bool:
    """Return whether something has begun that should be ended in order."""
    return _process.at_work > 0


def seconds_left() -> float:
    """Return how long what has begun may still take; infinite until a stop is requested."""
    if _process.asked_at is None:
        return float("inf")
    return 0.0 if _process.halted else _process.asked_at + GRACE_SECONDS - time.monotonic()


def refuse_new(what: str) -> None:
    """Raise ``Interrupted`` if a stop is requested, before ``what``, such as ``a reset``, has begun."""
    if requested():
        raise Interrupted(f"asked to stop before {what} began; nothing was sent")


def pause(clock: Clock, seconds: float) -> None:
    """Wait, but not longer than until a stop is requested."""
    while seconds > 0 and not requested():
        piece = min(seconds, _SLICE_SECONDS)
        clock.sleep(piece)
        seconds -= piece


@contextmanager
def work() -> Iterator[None]:
    """Inside, the first signal is only noted."""
    _process.at_work += 1
    try:
        yield
    finally:
        _process.at_work -= 1
        if requested() and not _process.at_work:
            signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def heeding() -> Iterator[None]:
    """Handle the signals inside. One that the parent had ignored (nohup, a shell's background job) stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _process.asked_at, _process.halted = None, False
    heard = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _ask) for each in heard} | {signal.SIGALRM: signal.signal(signal.SIGALRM, _end)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in before.items():
            signal.signal(each, handler)


def _ask(number: int, frame: FrameType | None) -> None:
    if _process.asked_at is not None or not at_work():
        _end(number, frame)
    _process.asked_at = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
    with suppress(OSError):  # Not through sys.stderr: the interrupted code may be in the middle of writing there.
        os.write(2, _NOTICE.encode())


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    _process.asked_at = _process.asked_at or time.monotonic()
    _process.halted = True
    raise Halted


def deafen() -> None:
    """Ignore every further signal, for the last words of a process that stops at once."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def leave(code: int) -> None:
    """End the process with this exit code, without waiting for threads if it must stop at once."""
    if _process.halted:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
