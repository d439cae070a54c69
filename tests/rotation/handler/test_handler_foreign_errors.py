"""Of a foreign error that holds a value, only the type gets out."""

import base64
import dataclasses
import json
import re
import socketserver
import threading
from contextlib import contextmanager

import pytest

from rotation.core.errors import RotationError
from rotation.drivers.vendors.huawei_meeting import driver as huawei_meeting
from rotation.drivers.vendors.ucloud_compshare import driver as ucloud_compshare
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import HUAWEI, MEETING_ACCOUNT, UCLOUD

MODULES = {HUAWEI: huawei_meeting, UCLOUD: ucloud_compshare}


def broken(driver, verb, raised):
    """Return the driver with one verb that raises an error with everything that it was given."""

    def fail(*args, **kwargs):
        values = [value.reveal() for value in (*args, *kwargs.values()) if hasattr(value, "reveal")]
        raise raised(f"{values} {vars(driver)!r}")

    setattr(driver, verb, fail)
    return driver


class Odd(Exception):
    """A class that nobody knows."""


@pytest.mark.shows_secrets(
    "error RotationError", reason="the broken driver raises ours, too; the rig's canary hears all"
)
@pytest.mark.parametrize("retries", [1])
@pytest.mark.parametrize(
    ("code", "verb", "raised"),
    [
        (HUAWEI, "set_password", ValueError),
        (UCLOUD, "set_password", KeyError),
        (HUAWEI, "verify", Odd),
        (UCLOUD, "observe", ExceptionGroup),
        (HUAWEI, "set_password", RotationError),
        (UCLOUD, "observe", RotationError),
        (HUAWEI, "verify", UnicodeError),
        (UCLOUD, "set_password", Odd),
    ],
)
def test_a_driver_that_raises_anything(rig, monkeypatch, code, verb, raised):
    """A driver's foreign error becomes ``driver_bug`` with the type's name; the next day a mended driver succeeds."""
    spec = MODULES[code].DRIVER
    make = (lambda text: ExceptionGroup(text, [ValueError(text)])) if raised is ExceptionGroup else raised
    replaced = dataclasses.replace(spec, factory=lambda wiring: broken(spec.factory(wiring), verb, make))
    monkeypatch.setattr(MODULES[code], "DRIVER", replaced)
    rotation = rig.rotate(code)
    assert rotation.state is RotationState.FAILED
    bugs = [error for error in rig.errors if error.code == "driver_bug"]
    assert bugs[0] is rig.errors[0]
    assert {error.code for error in rig.errors} <= {"driver_bug", "parked"}
    named = RotationError.code if raised is RotationError else raised.__name__
    assert all(error.message.partition(";")[0].endswith(named) for error in bugs)
    assert [error.describe() for error in rig.errors if not error.hint] == []
    monkeypatch.undo()
    assert code == UCLOUD or not rig.world.huawei.locked(MEETING_ACCOUNT)
    assert rig.tomorrow().state is RotationState.SUCCEEDED
    assert rig.world.stored(code) == rig.world.live(code)


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        (HUAWEI, "DescribeSecret"),
        (UCLOUD, "GetSecretValue"),
        (HUAWEI, "PutSecretValue"),
        (UCLOUD, "UpdateSecretVersionStage"),
    ],
)
@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_botocore_raises_anything(rig, code, operation, moment):
    """A foreign error inside the client, quoting request and answer, becomes ``internal_error`` with its type."""
    seen = []

    def fail(**values):
        if len(seen) < 2:
            seen.append(operation)
            raise Odd(repr(values), values)

    rig.client.meta.events.register(f"{moment}.secrets-manager.{operation}", fail)
    rotation = rig.rotate(code)
    assert rig.errors
    assert "Odd inside Lockstep" in rig.errors[0].message
    assert {error.code for error in rig.errors} <= {"internal_error", "in_progress", "parked"}
    assert all(error.hint for error in rig.errors)
    if rotation.state is not RotationState.SUCCEEDED:  # a run that could not end in order is waited for
        rotation = rig.rotate(code)
    assert rotation.state is RotationState.SUCCEEDED
    assert rig.world.changes(code) <= 2
    assert rig.world.wrong_logins(code) <= 1


@pytest.mark.parametrize("retries", [0])
def test_json_that_cannot_be_read(rig):
    """The parser's error holds the whole text; none of it gets out."""
    document = json.dumps(rig.document(UCLOUD))
    for tail in ("", "]", '"', "}}", ', "x": "\\ud83d"}', "\\", '"password": 1}'):
        rig.errors.clear()
        rig.put(rig.world.accounts[UCLOUD], document[:-1] + tail)
        rig.rotate(UCLOUD)
        assert [error.code for error in rig.errors] == ["secret_document_error"], tail
    assert rig.vendor_calls() == []


@contextmanager
def raw_server(answer):
    """Answer every request with the bytes that are made of its head and its body."""

    class Echo(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self):
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            body = self.rfile.read(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
            self.wfile.write(answer(head, body))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(timeout=5)


def rotate_at(rig, code, answer):
    """Rotate, which must fail, with a vendor that answers so."""
    with raw_server(answer) as address:
        rig.environment[f"LOCKSTEP_{code.upper()}_ENDPOINT"] = f"http://{address}"
        rig.environment["LOCKSTEP_HOSTS"] += f",{address}"
        rig.rotate(code)
    assert rig.errors


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nno colon BODY HEAD\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 BODY HEAD\r\n\r\n",
        b"BODY HEAD\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/?BODY\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Request-Id: BODY\r\nX-UCLOUD-REQUEST-UUID: HEAD\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 400 Bad\r\nContent-Length: 400\r\n\r\n{"RetCode": "BODY", "error_code": "HEAD"}',
    ],
    ids=["headers", "status", "line", "redirect", "request_id", "code"],
)
@pytest.mark.parametrize("retries", [1])
@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_peer_that_echoes_the_request_anywhere(rig, code, answer):
    """Whatever part of an answer quotes the request, the log, the metric and the error do not."""
    rotate_at(rig, code, lambda head, body: answer.replace(b"BODY", body).replace(b"HEAD", head.replace(b"\r\n", b" ")))
    known = {"vendor_unavailable", "unexpected_reply", "outcome_unknown", "parked"}
    assert {error.code for error in rig.errors} <= known
    assert rig.world.changes(code) == 0


SPELLINGS = {
    "base64": lambda said: said,
    "base64 of more": lambda said: base64.b64encode(b"id " + base64.b64decode(said)),
    "hexadecimal": lambda said: base64.b64decode(said).hex().encode(),
}


@pytest.mark.parametrize("retries", [0])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_request_id_that_echoes_the_password_is_not_logged(rig, spelling):
    """A vendor's request id goes into the log line only if it is an id, and echoes nothing of the request."""

    def refuse(head, _):
        said = head.partition(b"Authorization: Basic ")[2].split(b"\r\n")[0]
        answer = (
            b'HTTP/1.1 401 Unauthorized\r\nX-Request-Id: %s\r\nContent-Length: 27\r\n\r\n{"error_code": "206010025"}'
        )
        return answer % SPELLINGS[spelling](said)

    rotate_at(rig, HUAWEI, refuse)
    assert '"step failed"' in rig.written()
    assert "vendor_request_id" not in rig.written()
