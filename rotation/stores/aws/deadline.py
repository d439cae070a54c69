"""Ends calls of AWS in time: a step that is stopped in the middle of a call reports nothing.

An AWS client tries up to three times, and waits some seconds for each answer; a step may have less left. Within the
block ``within(time_left)`` each attempt waits for an answer no longer than there is time, and none is begun once too
little is left, a retry included. The call then ends in ``StoreUnavailable``, as one that gets no answer does.

Example. 4 s are left when a write is sent, and the service is silent. The client waits 2.5 s for the answer, pauses as
it does before a retry, and then 1.2 s are left: no retry is sent, and the step says so in its log line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Any

from rotation.core.errors import StoreUnavailable

CONNECT_SECONDS, ANSWER_SECONDS = 3, 5
"""The longest that a client waits; the service answers in some hundredths of a second."""
_KEPT = 1.5
"""Seconds for the pause before a retry, of one second at most, and for the log line."""
_LEAST = 0.5

_LEFT: ContextVar[Callable[[], float]] = ContextVar("seconds left for calls of AWS", default=lambda: inf)


@contextmanager
def within(time_left: Callable[[], float]) -> Iterator[None]:
    """End every call of AWS that is made in this block before no time is left; ``time_left`` returns seconds."""
    before = _LEFT.set(time_left)
    try:
        yield
    finally:
        _LEFT.reset(before)


def before_send(longest: float, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore has no types
    """Narrow one attempt's time-out to what is left; a handler of botocore's event ``before-send``.

    Args:
        longest: seconds that the client waits for an answer. A botocore that is older than time-outs of single requests
            would wait so long in any case, so that a call which might outlast the step is not sent.
        request: about to be sent.

    Raises:
        StoreUnavailable: too little is left; this attempt is not sent.
    """
    left, context = _LEFT.get()() - _KEPT, getattr(request, "context", None)
    if left < (_LEAST if context is not None else longest):
        raise StoreUnavailable("too little time is left in this step for a call of AWS", unsent=True)
    if left < longest and context is not None:
        context["read_timeout"] = left
