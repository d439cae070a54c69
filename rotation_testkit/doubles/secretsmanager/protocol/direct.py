"""Answer a botocore client in this process: its requests are signed, serialised and parsed, but use no socket.

This is several times faster than the wire. botocore's hook ``before-send`` provides the prepared request.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from werkzeug.wrappers import Request

from rotation_testkit.doubles.secretsmanager.protocol.errors import ConnectionDropped
from rotation_testkit.doubles.secretsmanager.protocol.wire import JsonProtocol

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def answer_directly(client: SecretsManagerClient, protocol: JsonProtocol) -> None:
    """Let the protocol answer every request of this client from now on."""

    def answer(request: AWSPreparedRequest, **_: object) -> Any:  # noqa: ANN401 - the stubs know no answering hook
        try:
            response = protocol.respond(_arrived(request))
        except ConnectionDropped:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        headers: Any = dict(response.headers)  # a mapping, as urllib3's; botocore converts it
        return AWSResponse(request.url, response.status_code, headers, _Raw(response.get_data()))

    client.meta.events.register("before-send.secrets-manager", answer)


class _Raw(io.BytesIO):
    """A body with urllib3's interface."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _arrived(request: AWSPreparedRequest) -> Request:
    """Return the request as a server would pass it on."""
    address = urlsplit(request.url)
    body: Any = request.body or b""
    data: bytes = body.encode() if isinstance(body, str) else body
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": address.path,
        "QUERY_STRING": address.query,
        "SERVER_NAME": address.hostname,
        "SERVER_PORT": str(address.port),
        "HTTP_HOST": address.netloc,
        "wsgi.url_scheme": address.scheme,
        "wsgi.input": io.BytesIO(data),
    }
    headers: dict[str, Any] = dict(request.headers.items())
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode() if isinstance(value, bytes) else str(value)
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
    return Request(environ | {"CONTENT_LENGTH": str(len(data))})
