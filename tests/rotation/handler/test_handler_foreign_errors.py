"""Of a foreign error that holds a value, only the type gets out."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from contextlib import contextmanager

import pytest

from rotation.core.errors import RotationError
from rotation.drivers.vendors.huawei_meeting import driver as huawei_meeting
from rotation.drivers.vendors.ucloud_compshare import driver as ucloud_compshare
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import HUAWEI, MEETING_ACCOUNT, UCLOUD

MODULES = {HUAWEI: huawei_meeting, UCLOUD: ucloud_compshare}


class Broken:
    """Passes everything on to the real driver but one verb, which raises with whatever it was given."""

    def __init__(self, driver, verb, raised):
        self._driver, self._verb, self._raised = driver, verb, raised

    def _do(self, verb, *args, **kwargs):
        if verb == self._verb:
            values = [value.reveal() for value in (*args, *kwargs.values()) if hasattr(value, "reveal")]
            raise self._raised(f"{values} {vars(self._driver)!r}")
        return getattr(self._driver, verb)(*args, **kwargs)

    def set_password(self, account, new, *, current):
        """Change."""
        return self._do("set_password", account, new, current=current)


class BrokenLook(Broken):
    """A driver that looks and leaves the login to the probe."""

    def observe(self, account):
        """Look."""
        return self._do("observe", account)


class BrokenLogin(Broken):
    """A driver that logs in by itself."""

    def verify(self, account, password):
        """Log in."""
        return self._do("verify", account, password)


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
    """A driver's foreign error becomes ``driver_bug`` with the type's name; the canary finds no value anywhere.

    One retry, since further ones would end as that one does, and then the next day with the driver mended.
    """
    spec = MODULES[code].DRIVER
    kind = BrokenLogin if code == HUAWEI else BrokenLook
    make = (lambda text: ExceptionGroup(text, [ValueError(text)])) if raised is ExceptionGroup else raised
    broken = dataclasses.replace(spec, factory=lambda wiring: kind(spec.factory(wiring), verb, make))
    monkeypatch.setattr(MODULES[code], "DRIVER", broken)
    rotation = rig.rotate(code)
    assert rotation.state is RotationState.FAILED
    bugs = [error for error in rig.errors if error.code == "driver_bug"]
    assert bugs[0] is rig.errors[0]
    assert {error.code for error in rig.errors} <= {"driver_bug", "parked"}
    named = RotationError.code if raised is RotationError else raised.__name__
    assert all(error.message.endswith(named) for error in bugs)
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
    """Answer every request with these bytes, where ``BODY`` stands for the request's body."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536)
                    head, _, body = request.partition(b"\r\n\r\n")
                    length = next(
                        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")
                    )
                    while len(body) < length:
                        body += connection.recv(65536)
                    connection.sendall(answer.replace(b"BODY", body).replace(b"HEAD", head.replace(b"\r\n", b" ")))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


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
    with raw_server(answer) as address:
        rig.environment[f"LOCKSTEP_{code.upper()}_ENDPOINT"] = f"http://{address}"
        rig.environment["LOCKSTEP_HOSTS"] += f",{address}"
        rig.rotate(code)
    assert rig.errors
    known = {"vendor_unavailable", "unexpected_reply", "outcome_unknown", "parked"}
    assert {error.code for error in rig.errors} <= known
    assert rig.world.changes(code) == 0
