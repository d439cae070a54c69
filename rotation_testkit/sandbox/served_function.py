"""The rotation function served to a sandbox, with a watch on what each invocation sends, writes and loses.

The handler runs in this process, between a real client, Secrets Manager's double and the vendors' simulators. After
every invocation two promises are checked: a live password that was readable is still under a label, and current moved
only to a live password. What breaks one stands in ``lost``, and ``finish`` fails on it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import Canary
from rotation_testkit.doubles.secretsmanager import Rotation
from rotation_testkit.doubles.vendor_api.call import Captured
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, MEETING_ACCOUNT, UCLOUD, Sandbox, open_sandbox

CHANGE: Final = {HUAWEI: "PUT /v1/usg/acs/password", UCLOUD: "ResetCompShareInstancePassword"}
"""The operation of each vendor that changes a password."""
LOOK: Final = {HUAWEI: "POST /v1/usg/acs/auth/account", UCLOUD: "DescribeCompShareInstance"}
"""The operation of each vendor that finds out."""


@dataclass(slots=True)
class FixedContext:
    """See ``handler.LambdaContext``; the time left never changes, since nothing here takes long."""

    seconds: float = 60.0
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        return int(self.seconds * 1000)


@dataclass
class ServedFunction:
    """The function, the sandbox around it, and what it did.

    Attributes:
        environment: the function's variables; tests change them.
        client: what the function calls Secrets Manager with.
        errors: the errors that it raised, in order.
        events: the events that it was invoked with.
        reports: the values that it returned.
        locked: whether the vendor ever locked the account after an invocation.
        lost: each broken promise: a live password under no label, an unproved current value, a foreign error.
        canary: listens for secrets.
        current: each secret's current value after the last invocation.
        intact: whether each live password was under a label.
    """

    world: Sandbox
    environment: dict[str, str]
    client: Any
    context: FixedContext = field(default_factory=FixedContext)
    errors: list[RotationError] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    reports: list[dict[str, object]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    canary: Canary = field(default_factory=Canary)
    current: dict[str, Secret | None] = field(default_factory=dict)
    intact: dict[str, bool] = field(default_factory=dict)
    locked: bool = False

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
        """Invoke once as Secrets Manager does."""
        self.call(event)

    def rotate(self, code: str, **options: Any) -> Rotation:  # noqa: ANN401 - passed on to the double
        """Rotate as the schedule does, with the service's retries."""
        return self.world.secrets_manager.rotate(
            self.world.accounts[code], function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1}, **options
        )

    def stuck(self, driver: str, code: str) -> RotationError:
        """Rotate until all retries have failed, and return the last error.

        Each error must have this code and a hint; no vendor was asked, and the current value did not change.
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
        """Make the service try a failed rotation again on the next day."""
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

    def simulator(self, code: str) -> Any:  # noqa: ANN401 - the vendors' simulators have no common class
        """Return a vendor's simulator."""
        return self.world.huawei if code == HUAWEI else self.world.ucloud

    def vendor_calls(self) -> list[str]:
        """Return the operations of every request that reached a vendor."""
        return [each.operation for code in self.world.accounts for each in self.simulator(code).requests]

    def document(self, code: str) -> dict[str, Any]:
        """Return the current account document."""
        value = self.world.secrets_manager.value(self.world.accounts[code])
        assert value is not None
        document: dict[str, Any] = json.loads(value.reveal())
        return document

    def put(self, name: str, value: object, *, binary: bool = False) -> None:
        """Store a new current value, as an operator would: text as it stands, anything else as JSON."""
        key = "SecretBinary" if binary else "SecretString"
        text = value if isinstance(value, str) else json.dumps(value)
        self.world.secrets_manager.call("PutSecretValue", **{"SecretId": name, key: text})
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
        """Register every secret that exists now with the canary."""
        guard, world = self.canary.guard, self.world
        for code in world.accounts:
            for number, password in enumerate([world.live(code), *self.stored(code)]):
                guard(f"{code} {number} of {len(self.canary.guarded)}", password)
        guard("vendor key", world.ucloud.credentials.private_key)
        guard("AWS key", world.secrets_manager.secret_key)

    def finish(self) -> None:
        """Fail if a request shows a secret where no vendor demands it, or if a promise was broken."""
        self.guard()
        for code in self.world.accounts:
            captured = self.simulator(code).captured
            for one in captured:
                token = dict(one.headers).get("X-Access-Token")
                self.canary.guard(f"access token {token and len(self.canary.guarded)}", Secret(token or ""))
            self.canary.requests(captured, _demanded)
        assert self.lost == []

    def inspect(self) -> None:
        """Note what an invocation lost: a live password under no label, or a current value that is not live."""
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
        """Take the secrets as they are now as the baseline; call it after changing one by hand."""
        for code, name in self.world.accounts.items():
            self.current[code] = self.world.secrets_manager.value(name)
            self.intact[code] = self.world.live(code) in self.stored(code)


def _demanded(one: Captured) -> frozenset[str]:
    """Return the parts of a request that must hold a secret: Huawei's login, change and log-out, CompShare's reset."""
    if b"Action=ResetCompShareInstancePassword" in one.body:
        return frozenset({"body"})
    path = urlsplit(one.url).path
    if path.endswith("/auth/account"):
        return frozenset({"authorization"})
    if path.endswith("/password"):
        return frozenset({"x-access-token", "body"})
    return frozenset({"x-access-token"}) if path.endswith("/token") else frozenset()


@contextmanager
def served_function(retries: int) -> Iterator[ServedFunction]:
    """Yield the function of a fresh sandbox, whose service tries a failed rotation so many times again."""
    with open_sandbox(retry_delays=(150.0,) * retries) as made:
        served = ServedFunction(made, dict(made.environment()), made.secrets_manager.client(direct=True))
        made.secrets_manager.register_function(FUNCTION_ARN, served.serve)
        served.settle()
        yield served
