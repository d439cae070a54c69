"""Limits time and size of answers for an HTTP session that a library made: pypsrp's and hvac's.

The time-outs of these libraries apply to each read, and they read a whole answer, however long it is. ``bound`` changes
the session's adapters, so that a ``Watch`` limits all requests of the session. Example: a WinRM host answers 401 and
then sends a byte each second, or an endless body. The first is cut off at the deadline, the second at ``limit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rotation.drivers.network.deadline import Watch


class AnswerTooLargeError(OSError):
    """The answer was longer than allowed; the rest of it was not read."""


def bound(session: Any, watch: Watch, *, limit: int, seconds: float | None = None) -> None:  # noqa: ANN401 - only the HTTP door imports requests
    """Make a session keep to a deadline and to a largest answer.

    Args:
        session: of requests; it is closed by its owner.
        watch: the deadline. Its owner closes it.
        limit: the most bytes of one answer.
        seconds: for a session of many requests, the time of each one; ``None`` means one end for all of them.
    """
    for adapter in session.adapters.values():
        _bound_adapter(adapter, watch, limit, seconds)


def _bound_adapter(adapter: Any, watch: Watch, limit: int, seconds: float | None) -> None:  # noqa: ANN401 - as above
    find_pool, send, kinds = adapter.get_connection_with_tls_context, adapter.send, watch.kinds()

    def find_watched_pool(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        pool = find_pool(*args, **kwargs)
        pool.ConnectionCls = kinds[pool.scheme]
        return pool

    def send_bounded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        if seconds is not None:
            watch.restart(seconds)
        reply = send(*args, **kwargs)
        # The body is read later: NTLM's channel binding needs the socket of an answer that is not read yet.
        reply.iter_content = _bounded_body(reply, watch, limit, once=seconds is not None)
        return reply

    adapter.get_connection_with_tls_context, adapter.send = find_watched_pool, send_bounded


def _bounded_body(reply: Any, watch: Watch, limit: int, *, once: bool) -> Callable[..., Iterator[bytes]]:  # noqa: ANN401 - as above
    read = reply.iter_content

    def iter_content(*args: Any, **kwargs: Any) -> Iterator[bytes]:  # noqa: ANN401 - as above
        taken = 0
        for chunk in read(*args, **kwargs):
            taken += len(chunk)
            if taken > limit:
                reply.close()
                raise AnswerTooLargeError
            yield chunk
        if watch.over:  # a socket that was shut looks like the end of an answer without a length
            raise TimeoutError
        if once:
            watch.rest()

    return iter_content
