# ruff: noqa: ARG002 - stand-ins for drivers take the arguments of the contract
"""Drivers and probes that do what a test says, and the rotation function for one account at a served vendor."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from rotation import handler
from rotation.core.errors import ConfigError, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Verdict
from rotation.drivers.guarded import Guarded
from rotation.drivers.login_proof import LoginProof
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER as HUAWEI
from rotation.drivers.vendors.huawei_meeting.policy import POLICIES
from rotation_testkit.doubles.secretsmanager import SecretsManager
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
        """Store a document, or the admin credential in another secret, as an operator would."""
        self.store.call("PutSecretValue", SecretId=secret, SecretString=json.dumps(document))

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
            store.create(SECRET, Secret(json.dumps(document)))
            first = Secret(document["password"])
            made = Function(invoke, clock, store, environment, store.client(direct=True), live, first)
            store.register_function(FUNCTION_ARN, made.serve)
            return made

        yield make
