# ruff: noqa: ARG002 - stand-ins for drivers take the arguments of the contract
"""Drivers and probes that do what a test says, the rotation function for one account, and peers that speak bytes."""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.errors import ConfigError, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Verdict
from rotation.drivers.guarded import Guarded
from rotation.drivers.login_proof import LoginProof
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.http_messages import HttpRequest
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER as HUAWEI
from rotation.drivers.vendors.huawei_meeting.policy import POLICIES
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState, SecretsManager
from rotation_testkit.sandbox.enrolled import tagged
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, REGION, ShiftedClock, provide_seal

KEY = Secret("canary-key")


class _Bare:
    """A driver that can only set a password. ``act`` is what each of its methods does."""

    def __init__(self, act):
        self.act = act
        self.calls = []

    def set_password(self, account, new, *, current):
        plain = new.reveal()
        self.calls.append(("set", current))
        return self.act() if plain else None


class _Whole(_Bare):
    """A driver with every method."""

    def observe(self, account):
        return self.act()

    def verify(self, account, password):
        plain = password.reveal()
        return self.act() if plain else Verdict.REJECTED

    def poll(self, account, task):
        return self.act()


class _Probe:
    """A shared login probe that shows the host's key, or raises ``key`` if that is an error."""

    def __init__(self, act, *, problem=None, key="ssh-rsa AAAA"):
        self.act = act
        self.problem = problem
        self.key = key
        self.targets = []
        self.asked = []

    def unready(self, target):
        return self.problem or (None if target.host_key else ConfigError("no key", hint="pin it"))

    def host_key(self, host, port):
        self.asked.append((host, port))
        if isinstance(self.key, Exception):
            raise self.key
        return self.key

    def login(self, target, password):
        self.targets.append(target)
        return self.act()


class _Greeter(_Probe):
    """A probe that can meet the host beforehand; ``refusal`` is the error that it raises then."""

    def __init__(self, refusal=None):
        super().__init__(lambda: Verdict.ACCEPTED)
        self.refusal = refusal
        self.greeted = []

    def greet(self, target):
        self.greeted.append(target)
        if self.refusal is not None:
            raise self.refusal


class Kit:
    """What the tests of the wrapper share; test modules cannot import one another."""

    bare = _Bare
    whole = _Whole
    probe = _Probe
    greeter = _Greeter

    @staticmethod
    def observing(seen):
        """Return a driver that observes ``seen`` and cannot verify."""
        made = _Bare(lambda: None)
        made.observe = lambda _: seen
        return made

    def bind(self, driver, *, left=60.0, call_seconds=15, **changes):
        """Wrap a driver; keyword arguments replace the fields of the wrapper and of its ``LoginProof``."""
        names = ("probes", "configured", "host_key", "trust_first_use")
        logins = LoginProof(**{name: changes.pop(name) for name in names if name in changes})
        fields = {"account": object(), "username": "root", "minimum": Evidence.LOGIN, "known": (KEY,), **changes}
        spec = replace(HUAWEI, code="acme", policies={"any": POLICIES["default"]}, call_seconds=call_seconds)
        return Guarded(spec=spec, driver=driver, time_left=lambda: left, logins=logins, **fields)


@pytest.fixture
def kit():
    """See ``Kit``."""
    return Kit()


SECRET, ADMIN = "lockstep/account", "lockstep/admin"


@pytest.fixture
def invoke():
    """The function that runs the rotation function for one event; Powertools logs to the process's own output."""
    for each in logging.getLogger("lockstep").handlers:
        if isinstance(each, logging.StreamHandler):
            each.stream = sys.__stdout__  # it keeps the stream of the test that made it, which may be closed

    def run(event, *, client, environment, clock, seconds):
        outside = handler.World(connect=lambda: client, environment=environment, clock=clock)
        end = clock.now() + seconds
        left = {"get_remaining_time_in_millis": lambda: max(0, int((end - clock.now()) * 1000))}
        context = SimpleNamespace(aws_request_id="00000000-0000-4000-8000-000000000000", **left)
        return handler.handle(event, context, outside)

    return run


@dataclass
class Function:
    """One account's rotation.

    Attributes:
        environment: the function's variables; tests change them.
        live: returns the password that the vendor accepts now.
        first: the password before the first rotation.
        errors: what it raised, in order.
        reports: what it returned.
        seconds: how long one run may take.
    """

    invoke: Callable[..., Any]
    clock: ShiftedClock
    store: SecretsManager
    environment: dict[str, str]
    client: Any
    live: Callable[[], Secret]
    first: Secret
    seconds: float = 600.0
    errors: list[RotationError] = field(default_factory=list)
    reports: list[dict[str, object]] = field(default_factory=list)

    def serve(self, event):
        """Run the rotation function for one event of Secrets Manager."""
        outside = {"client": self.client, "environment": self.environment, "clock": self.clock}
        try:
            self.reports.append(self.invoke(event, seconds=self.seconds, **outside))
        except RotationError as error:
            self.errors.append(error)
            raise

    def rotate(self, **options):
        """Rotate as the schedule does, with the service's retries."""
        return self.store.rotate(SECRET, function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1}, **options)

    def rotate_watched(self, opens, *turns):
        """Rotate once per turn of two accounts, a day apart, and return what readers were given and could not use.

        Args:
            opens: returns whether a document opens its account; asked after each step.
            turns: the user names that become current, in order.
        """
        dead = []

        def watched(event):
            self.serve(event)
            dead.extend(each["username"] for each in (self.document(),) if not opens(each))

        self.store.register_function(FUNCTION_ARN, watched)
        for name in turns:
            former = self.document()
            assert self.rotate().state is RotationState.SUCCEEDED, [error.message for error in self.errors]
            current = self.document()
            assert (current["username"], current["alternate_username"]) == (name, former["username"])
            assert opens(former)
            self.clock.sleep(86_400)
        return dead

    def rotate_once(self, **options):
        """Rotate with a service that makes no second attempt, now and later."""
        self.store._rotator.retry_delays = ()
        return self.rotate(**options)

    def next_rotation(self):
        """Return how the rotation ends that the schedule starts two days later."""
        self.clock.sleep(2 * 86_400)
        (rotation,) = self.store.tick()
        return rotation.state

    def settled(self):
        """Return whether the current password is live and is not the first one."""
        return self.password == self.live() != self.first

    def codes(self):
        """Return the errors' codes."""
        return [error.code for error in self.errors]

    def document(self, stage="AWSCURRENT"):
        """Return the account document under a stage."""
        value = self.store.value(SECRET, stage=stage)
        assert value is not None
        return json.loads(value.reveal())

    def put(self, document, secret=SECRET):
        """Store a document and enrol it, or the admin credential in another secret, as an operator would."""
        self.store.call("PutSecretValue", SecretId=secret, SecretString=json.dumps(document))
        if secret == SECRET:
            self.enrol(document)

    def enrol(self, document):
        """Bind the secret to the account that a document names."""
        for key, value in tagged(SecretDocument(document)).items():
            self.store.call("TagResource", SecretId=SECRET, Tags=[{"Key": key, "Value": value}])

    def cancel(self):
        """Cancel a rotation as an operator does: CancelRotateSecret, then take the pending label away."""
        self.store.call("CancelRotateSecret", SecretId=SECRET)
        for version, labels in self.store.labels(SECRET).items():
            if "AWSPENDING" in labels:
                self.store.call(
                    "UpdateSecretVersionStage", SecretId=SECRET, VersionStage="AWSPENDING", RemoveFromVersionId=version
                )

    @property
    def password(self):
        """The current password."""
        return Secret(self.document()["password"])


@pytest.fixture
def clock():
    """The clock that Secrets Manager, the function and the vendor share."""
    return ShiftedClock()


@pytest.fixture
def install(invoke, clock):
    """The function that serves a vendor and stores an account's document and the admin credential."""
    with ExitStack() as stack:

        def make(simulator, document, admin, live, *, retries=2, spacing=600.0):  # noqa: PLR0913 - what a rotation needs
            url = stack.enter_context(simulator.serve())
            place = {"account": "111122223333", "region": REGION}
            delays = (spacing,) * retries
            store = SecretsManager(clock=clock.now, sleep=clock.sleep, retry_delays=delays, **place)
            stack.enter_context(store.serve())
            prefix = f"LOCKSTEP_{document['driver'].upper()}_"
            environment = {"LOCKSTEP_DRIVERS": document["driver"], "LOCKSTEP_HOSTS": url.removeprefix("http://")}
            environment |= {f"{prefix}ENDPOINT": url, **provide_seal(store)}
            if admin is not None:
                environment[f"{prefix}ADMIN_SECRET"] = ADMIN
                store.create(ADMIN, json.dumps(admin))
            store.create(SECRET, Secret(json.dumps(document)), tagged(SecretDocument(document)))
            ports = [f"{kind}:{document[f'{kind}_port']}" for kind in ("ssh", "winrm") if f"{kind}_port" in document]
            environment["LOCKSTEP_LOGIN_PORTS"] = ",".join(ports)
            first = Secret(document["password"])
            made = Function(invoke, clock, store, environment, store.client(direct=True), live, first)
            store.register_function(FUNCTION_ARN, made.serve)
            return made

        yield make


class Peer(socketserver.ThreadingTCPServer):
    """A listening socket; a handler serves each connection in a thread of its own."""

    def __init__(self, handler, tls, *, reads):
        super().__init__(("127.0.0.1", 0), handler)
        self.received, self.stop, self.port = [], threading.Event(), self.server_address[1]
        self._tls, self._reads = tls, reads
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """Stop and wait."""
        self.stop.set()
        self.shutdown()
        self.server_close()

    def finish_request(self, request, _):
        """Serve one connection."""
        request.settimeout(5)
        with (
            suppress(OSError),
            self._tls.wrap_socket(request, server_side=True) if self._tls else request as connection,
        ):
            if self._reads:
                self.received.append(_request(connection))
            self.RequestHandlerClass(connection)


def _request(connection):
    """Read one request, headers and the body that they announce."""
    data = b""
    while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (chunk := connection.recv(65536)):
        body += chunk
    return head + b"\r\n\r\n" + body


@pytest.fixture
def peer():
    """The function that starts a peer, which ends with the test; it reads a request first if ``reads``."""
    with ExitStack() as stack:

        def start(handler, tls=None, *, reads=True):
            act = handler if callable(handler) else lambda connection: connection.sendall(handler)
            started = Peer(act, tls, reads=reads)
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture
def flood(peer):
    """The function that starts a peer which answers without an end, and returns it and how many MiB it sent."""

    def start(begins, piece):
        sent = []

        def act(connection):
            begins(connection)
            while True:
                connection.sendall(piece)
                sent.append(len(piece))

        return peer(act, reads=False), lambda: sum(sent) / 2**20

    return start


@pytest.fixture
def certificate(tmp_path):
    """A server's TLS context for 127.0.0.1, and the file of its authority."""
    made, public = Certificate("127.0.0.1"), tmp_path / "public.pem"
    public.write_bytes(made.pem)
    return made.context(tmp_path), str(public)


@pytest.fixture
def silent():
    """The port of a host whose queue is full, so that it drops every connection attempt."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def closed():
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that does not answer during the test; the event says whether it has answered."""
    go, answered = threading.Event(), threading.Event()

    def hang(*_, **__):
        go.wait(60)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield answered
    go.set()
    for thread in threading.enumerate():
        if thread.name == "lockstep-look-up":
            thread.join(60)


@pytest.fixture
def door():
    """The function that makes a door with enough time."""

    def make(*hosts, left=60.0, call_seconds=5.0, ca_file=None):
        limits = {"time_left": lambda: left, "call_seconds": call_seconds}
        return HttpDoor(frozenset(hosts), **limits, request_id_header="X-Request-ID", ca_file=ca_file)

    return make


@pytest.fixture
def send(door):
    """The function that sends a request with a canary in header and body to a port."""
    canary = "Canary-in-request/1+a"

    def to(port, *, changes=False, scheme="http", **options):
        headers = {"X-Key": canary, "Content-Type": "text/plain"}
        url = f"{scheme}://127.0.0.1:{port}/path?page=1"
        request = HttpRequest(method="PUT", url=url, headers=headers, body=canary.encode(), changes=changes)
        return door(f"127.0.0.1:{port}", **options).send(request)

    return to


@pytest.fixture
def winrm():
    """A Windows host with one account."""
    with WinRmHost(lambda: {"Administrator": Secret("Canary-right/1+a:b")}) as host:
        yield host
