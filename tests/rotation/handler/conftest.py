"""The handler in this process, between a real client, Secrets Manager's double and the vendors' simulators."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import Canary
from rotation_testkit.doubles.secretsmanager import Rotation
from rotation_testkit.doubles.vendors.call import Captured
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, MEETING_ACCOUNT, UCLOUD, World, world

RETRIES = 4
CHANGE = {HUAWEI: "PUT /v1/usg/acs/password", UCLOUD: "ResetCompShareInstancePassword"}
LOOK = {HUAWEI: "POST /v1/usg/acs/auth/account", UCLOUD: "DescribeCompShareInstance"}


@dataclass(slots=True)
class Context:
    """What the runtime hands over."""

    seconds: float = 60.0
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the whole time; nothing here takes long."""
        return int(self.seconds * 1000)


@dataclass
class Rig:
    """The function, everything around it, and what it did.

    Attributes:
        environment: the function's variables; tests change them.
        client: what the function calls Secrets Manager with.
        errors: what it raised, in order.
        events: what it was invoked with.
        reports: what it returned.
        locked: whether the vendor ever locked the account after an invocation.
        lost: what was found wrong after an invocation: a live password under no label, an unproved current value.
    """

    world: World
    environment: dict[str, str]
    client: Any
    context: Context = field(default_factory=Context)
    errors: list[RotationError] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    reports: list[dict[str, object]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    canary: Canary = field(default_factory=Canary)
    current: dict[str, Secret | None] = field(default_factory=dict)
    intact: dict[str, bool] = field(default_factory=dict)
    locked: bool = False

    change = CHANGE
    look = LOOK

    def call(self, event: object) -> dict[str, object]:
        """Invoke once; raises what the function raises."""
        outside = handler.World(connect=lambda: self.client, environment=self.environment, clock=self.world.clock)
        self.events.append(event)
        try:
            report = handler.handle(event, self.context, outside)
        except RotationError as error:
            self.errors.append(error)
            self.canary.error(error, given=(event,))
            raise
        except Exception as foreign:
            self.lost.append(f"a foreign error: {foreign!r}")
            raise
        finally:
            self.inspect()
        self.reports.append(report)
        return report

    def serve(self, event: dict[str, object]) -> None:
        """Be the rotation function, as Secrets Manager sees it."""
        self.call(event)

    def rotate(self, code: str, **options: Any) -> Rotation:
        """Rotate as the schedule does, with the service's retries."""
        return self.world.secrets_manager.rotate(
            self.world.accounts[code], function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1}, **options
        )

    def stuck(self, driver: str, code: str) -> RotationError:
        """Rotate with all retries in vain and return the last error.

        Each error must have this code and a hint; no vendor may have been asked and the current value must stand.
        """
        store, name = self.world.secrets_manager, self.world.accounts[driver]
        before = store.value(name)
        self.errors.clear()
        self.rotate(driver)
        assert {error.code for error in self.errors} == {code}, [error.message for error in self.errors]
        assert all(error.hint for error in self.errors)
        assert self.vendor_calls() == []
        assert store.value(name) == before
        return self.errors[-1]

    def tomorrow(self) -> Rotation:
        """Let the service reattempt on the next day what it had given up."""
        self.world.clock.sleep(2 * 86_400)
        (rotation,) = self.world.secrets_manager.tick()
        return rotation

    def written(self) -> str:
        """Return everything that was written to standard output."""
        self.canary.drain()
        return "".join(text for place, text in self.canary.seen if place == "standard output")

    def event(self, code: str, step: str = "createSecret", **changes: object) -> dict[str, object]:
        """Return a well-formed event whose token is no version."""
        arn = self.world.secrets_manager.call("DescribeSecret", SecretId=self.world.accounts[code])["ARN"]
        return {"Step": step, "SecretId": arn, "ClientRequestToken": str(uuid.uuid4())} | changes

    def simulator(self, code: str) -> Any:
        """Return the vendor."""
        return self.world.huawei if code == HUAWEI else self.world.ucloud

    def vendor_calls(self) -> list[str]:
        """Return the operations of every request that reached a vendor."""
        return [each.operation for code in self.world.accounts for each in self.simulator(code).requests]

    def document(self, code: str) -> dict[str, Any]:
        """Return the current account document."""
        value = self.world.secrets_manager.value(self.world.accounts[code])
        assert value is not None
        return json.loads(value.reveal())

    def put(self, name: str, value: object, *, binary: bool = False) -> None:
        """Store a new current value, as an operator would: text as it stands, anything else as JSON."""
        if binary:
            self.world.secrets_manager.call("PutSecretValue", SecretId=name, SecretBinary=value)
            self.settle()
            return
        text = value if isinstance(value, str) else json.dumps(value)
        self.world.secrets_manager.call("PutSecretValue", SecretId=name, SecretString=text)
        self.settle()

    def stored(self, code: str) -> list[Secret]:
        """Return the passwords of every labelled version that has one."""
        store, name = self.world.secrets_manager, self.world.accounts[code]
        values = [store.value(name, version=version) for version, labels in store.labels(name).items() if labels]
        found = []
        for value in values:
            try:
                found += [SecretDocument.parse(value.reveal()).password] if value is not None else []
            except RotationError:
                continue
        return found

    def guard(self) -> None:
        """Name every secret that there is now to the canary."""
        guard, world = self.canary.guard, self.world
        for code in world.accounts:
            for number, password in enumerate([world.live(code), *self.stored(code)]):
                guard(f"{code} {number} of {len(self.canary.guarded)}", password)
        guard("vendor key", world.ucloud.credentials.private_key)
        guard("AWS key", world.secrets_manager.secret_key)

    def finish(self) -> None:
        """Look at what was sent, and at whether anything was lost."""
        self.guard()
        for code in self.world.accounts:
            captured = self.simulator(code).captured
            for one in captured:
                token = dict(one.headers).get("X-Access-Token")
                self.canary.guard(f"access token {token and len(self.canary.guarded)}", Secret(token or ""))
            self.canary.requests(captured, _demanded)
        assert self.lost == []

    def inspect(self) -> None:
        """Note what an invocation lost: the live password under no label, or a current value without a proof."""
        self.guard()
        self.locked = self.locked or self.world.huawei.locked(MEETING_ACCOUNT)
        for code, name in self.world.accounts.items():
            live = self.world.live(code)
            if self.intact[code] and live not in self.stored(code):
                self.lost.append(f"{code}: the live password is under no label")
            current = self.world.secrets_manager.value(name)
            if current != self.current[code] and (
                current is None or SecretDocument.parse(current.reveal()).password != live
            ):
                self.lost.append(f"{code}: current moved to what is not live")

    def settle(self) -> None:
        """Take the secrets as they are now for granted; call it after changing one by hand."""
        for code, name in self.world.accounts.items():
            self.current[code] = self.world.secrets_manager.value(name)
            self.intact[code] = self.world.live(code) in self.stored(code)


def _demanded(one: Captured) -> frozenset[str]:
    """Return where the vendors want a secret: Huawei's login, change and log-out, and CompShare's reset."""
    if b"Action=ResetCompShareInstancePassword" in one.body:
        return frozenset({"body"})
    path = urlsplit(one.url).path
    if path.endswith("/auth/account"):
        return frozenset({"authorization"})
    if path.endswith("/password"):
        return frozenset({"x-access-token", "body"})
    return frozenset({"x-access-token"}) if path.endswith("/token") else frozenset()


@contextmanager
def _rig(retries: int) -> Iterator[Rig]:
    with world(retry_delays=(150.0,) * retries) as made:
        rig = Rig(made, dict(made.environment()), made.secrets_manager.client(direct=True))
        made.secrets_manager.register_function(FUNCTION_ARN, rig.serve)
        rig.settle()
        yield rig


@pytest.fixture
def retries() -> int:
    """As many as outlast the vendors' windows."""
    return RETRIES


@pytest.fixture
def rig(canary: Canary, retries: int) -> Iterator[Rig]:
    """A fresh world. The canary listens to every test."""
    _log_to_stdout()
    with _rig(retries) as made:
        made.canary = canary
        canary.drain()
        canary.seen.clear()
        made.guard()
        yield made
        made.finish()
    _log_to_stdout()


@pytest.fixture(scope="module")
def _idle() -> Iterator[Rig]:
    with _rig(0) as made:
        yield made


@pytest.fixture
def idle(_idle: Rig, canary: Canary) -> Iterator[Rig]:
    """One world for everything that must reach nobody."""
    _log_to_stdout()
    _idle.canary, _idle.environment, _idle.errors = canary, dict(_idle.world.environment()), []
    _idle.guard()
    yield _idle
    _idle.finish()
    _log_to_stdout()


def _log_to_stdout() -> None:
    """Point the handler that Powertools makes once per process, in some earlier test, to the process's own output."""
    for each in logging.getLogger("lockstep").handlers:
        if isinstance(each, logging.StreamHandler):
            each.stream = sys.__stdout__  # setStream would flush the former one, which may be closed


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes a driver give up on an answer after two seconds, as its record says."""

    def shorten(code: str) -> None:
        module = importlib.import_module(f"rotation.drivers.vendors.{code}.driver")
        monkeypatch.setattr(module, "DRIVER", dataclasses.replace(module.DRIVER, call_seconds=2))

    return shorten
