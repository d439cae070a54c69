"""The base of every vendor simulator: a WSGI application, an access log, captures, faults and delayed effects.

A simulator subclasses ``Simulator`` and implements how its vendor names a call, answers it and phrases a refusal.
"""

from __future__ import annotations

import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vendor_api.breakage import after, before, hang_up
from rotation_testkit.doubles.vendor_api.call import Access, Call, Captured, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


class Simulator(ABC):
    """Base of the vendor simulators.

    Args:
        clock: seconds since the epoch; every age, expiry and delay of the simulated vendor follows it.
        faults: the plan of what goes wrong; an empty one by default.
    """

    request_id_header = "X-Request-Id"

    def __init__(self, *, clock: Callable[[], float] = time.time, faults: FaultPlan | None = None) -> None:
        self.clock = clock
        self.faults = faults or FaultPlan()
        self.requests: list[Access] = []
        self.captured: list[Captured] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._later: list[tuple[float, Callable[[], None]]] = []

    @abstractmethod
    def operation(self, call: Call) -> str:
        """Return the vendor's name of the call; faults and the access log use it."""

    @abstractmethod
    def respond(self, call: Call) -> Reply:
        """Answer a call, holding the simulator's lock. Changes go through ``call.commit``; refusals are ``Refused``."""

    @abstractmethod
    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Phrase a refusal as the vendor does."""

    @abstractmethod
    def throttle(self, call: Call) -> Reply:
        """Phrase "too many requests" as the vendor does."""

    def later(self, delay: float, effect: Callable[[], None]) -> None:
        """Schedule an effect ``delay`` seconds of the clock from now."""
        if delay <= 0:
            effect()
            return
        self._later.append((self.clock() + delay, effect))

    def settle(self) -> None:
        """Run every effect that is due. Effects may schedule further ones."""
        with self.lock:
            while due := [entry for entry in self._later if entry[0] <= self.clock()]:
                first = min(due, key=lambda entry: entry[0])
                self._later.remove(first)
                first[1]()

    @contextmanager
    def serve(self, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serve on loopback until the block ends and yield the base URL; hanging calls end with the block.

        Args:
            tls: settings of a server, for clients that only use https.
        """
        self.closing.clear()
        with serve(self.app, tls=tls) as url:
            try:
                yield url
            finally:
                self.closing.set()

    def app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        call = self._arrive(Request(environ))
        try:
            reply = self._answer(call)
        except ConnectionAbortedError:
            hang_up(environ)
            raise
        finally:
            with self.lock:
                for ending in call.endings:
                    ending()
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
        headers |= dict(reply.headers) | {self.request_id_header: call.request_id}
        start_response(f"{reply.status} {_reason(reply.status)}", list(headers.items()))
        return [reply.body]

    def _arrive(self, request: Request) -> Call:
        body = request.get_data()
        self.captured.append(Captured(request.method, request.url, tuple(request.headers.items()), body))
        request_id = request.headers.get(self.request_id_header) or str(uuid.uuid4())
        query = {name: request.args[name] for name in request.args}
        call = Call(request.method, request.path, query, request.headers, body, request_id, self.later)
        call.operation = self.operation(call)
        call.fault = self.faults.take(call.operation)
        return call

    def _answer(self, call: Call) -> Reply:
        outcome = "dropped"
        try:
            reply = before(self, call) or after(self, call, self.handle(call))
            outcome = reply.outcome
        finally:
            fault = f" (fault: {call.fault.kind})" if call.fault else ""
            self.requests.append(Access(call.operation, outcome + fault, self.clock(), call.request_id))
        return reply

    def handle(self, call: Call) -> Reply:
        """Answer a call as the vendor would, without faults around it."""
        with self.lock:
            self.settle()
            try:
                return self.respond(call)
            except Refused as refusal:
                return self.refuse(call, refusal)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
