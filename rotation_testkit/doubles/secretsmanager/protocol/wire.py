"""The AWS JSON 1.1 protocol as a WSGI application."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from rotation_testkit.doubles.secretsmanager.protocol.errors import ConnectionDropped, ServiceError
from rotation_testkit.doubles.secretsmanager.state import Answer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_CONTENT_TYPE = "application/x-amz-json-1.1"
_PREFIX = "secretsmanager."


class JsonProtocol:
    """Turns requests into ``perform(operation, params)`` and its outcome into answers.

    Args:
        authenticate: raises ``ServiceError`` when a request is not properly signed.
        perform: runs one operation on the decoded body.
        modelled_errors: error codes that the service model declares; they carry ``Message``, all others ``message``
            (recorded from AWS, 2022-09 and 2024-03).
        clock: returns the epoch seconds by which answers are dated.
    """

    def __init__(
        self,
        authenticate: Callable[[Request], None],
        perform: Callable[[str, object], Answer],
        modelled_errors: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._authenticate = authenticate
        self._perform = perform
        self._modelled_errors = modelled_errors

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self.respond(Request(environ))
        except ConnectionDropped:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            response = _response(500, {})
        return response(environ, start_response)

    def respond(self, request: Request) -> Response:
        """Return the answer, a refusal included.

        Raises:
            ConnectionDropped: a fault took the answer.
        """
        try:
            response = _response(200, self._answer(request))
        except ServiceError as error:
            key = "Message" if error.code in self._modelled_errors else "message"
            response = _response(error.status, {"__type": error.code, key: error.message})
        response.headers["Date"] = formatdate(self._clock(), usegmt=True)
        return response

    def _answer(self, request: Request) -> Answer:
        target = request.headers.get("X-Amz-Target", "")
        if request.method != "POST" or request.path != "/" or not target.startswith(_PREFIX):
            raise ServiceError("UnknownOperationException", "There is no such operation.")
        self._authenticate(request)
        if request.mimetype != _CONTENT_TYPE:
            raise ServiceError("SerializationException", f"The content type must be {_CONTENT_TYPE}.")
        try:
            params = json.loads(request.get_data())
        except ValueError:
            raise ServiceError("SerializationException", "The body is not valid JSON.") from None
        return self._perform(target.removeprefix(_PREFIX), params)


def _response(status: int, body: Answer) -> Response:
    response = Response(json.dumps(body), status=status, content_type=_CONTENT_TYPE)
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response
