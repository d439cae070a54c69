"""A vendor's request id goes into the log line only if it is an id, and echoes nothing of the request."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from rotation import handler
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, open_sandbox

SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda said: said,
    "base64 of more": lambda said: base64.b64encode(b"id " + base64.b64decode(said)),
    "hexadecimal": lambda said: base64.b64decode(said).hex().encode(),
}


@pytest.fixture(params=SPELLINGS)
def echo(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the address of a vendor whose request id is what the Basic header said."""

    class Vendor(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            """Refuse, with the request's credential as the id."""
            said = self.request.recv(65536)
            _, _, rest = said.partition(b"Authorization: Basic ")
            spelled = SPELLINGS[request.param](rest.split(b"\r\n")[0])
            body = b'{"error_code": "206010025"}'
            head = b"HTTP/1.1 401 Unauthorized\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n"
            self.wfile.write(head % (spelled, len(body)) + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Vendor) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_id_that_echoes_the_password_is_not_logged(echo: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log line nor the error has it, in any spelling; the leak canary would find it as well."""
    with open_sandbox(holding=(HUAWEI,), retry_delays=()) as started:
        client = started.secrets_manager.client(direct=True)
        endpoint = {"LOCKSTEP_HUAWEI_MEETING_ENDPOINT": f"http://{echo}", "LOCKSTEP_HOSTS": echo}
        world = handler.World(connect=lambda: client, environment=started.environment() | endpoint, clock=started.clock)

        def serve(event: dict[str, object]) -> None:
            handler.handle(event, FunctionContext.lasting(900), world)

        started.secrets_manager.register_function(FUNCTION_ARN, serve)
        name, rules = started.accounts[HUAWEI], {"AutomaticallyAfterDays": 1}
        ended = started.secrets_manager.rotate(name, function=FUNCTION_ARN, rules=rules)
        assert ended.state is not RotationState.SUCCEEDED
        lines = [vars(record) for record in caplog.records if record.name == "lockstep"]
        assert [line["error"] for line in lines if "error" in line]
        assert not [line for line in lines if "vendor_request_id" in json.dumps(line, default=str)]
