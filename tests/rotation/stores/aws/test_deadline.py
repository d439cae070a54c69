"""A call of AWS waits no longer than its step has time, and none is begun that could not end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation.core.errors import StoreUnavailable
from rotation.core.values import Evidence
from rotation.state import marks
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.deadline import ANSWER_SECONDS, before_send, within
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.conformance.store_backdoor import BASE
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI
from rotation_testkit.sandbox.served_function import served_function


@dataclass
class Countdown:
    """Seconds left of a step: plenty until it ``begins``."""

    seconds: float
    began: float | None = None

    def begin(self) -> None:
        """Let the time run from now on."""
        self.began = self.began or time.monotonic()

    def __call__(self) -> float:
        """Return the seconds that are left."""
        return 60.0 if self.began is None else self.seconds - (time.monotonic() - self.began)


@dataclass
class Silence:
    """A Secrets Manager that does not answer its label operations any more, once a test says so."""

    double: Any
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.double.faults.before("UpdateSecretVersionStage", lambda _: self.over.wait(20) and None)


@pytest.fixture
def client(own_door: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client that the handler makes, pointed at the double by the environment."""
    for name, value in own_door.double.environment().items():
        monkeypatch.setenv(name, value)
    return secrets_manager()


@pytest.fixture
def silent(own_door: Any) -> Iterator[Silence]:
    """The double, silent until the test ends."""
    made = Silence(own_door.double)
    yield made
    made.over.set()


def test_a_silent_service_ends_a_write_before_the_step_is_over(own_door: Any, client: Any, silent: Silence) -> None:
    """The one attempt gets what time there is, no retry is sent, and the error shows no parameter."""
    left = Countdown(2.6)
    store = AwsSecretsManager(client, own_door.name)
    left.begin()
    with within(left), pytest.raises(StoreUnavailable) as caught:
        store.mark(BASE, marks.accepted(1))
    assert left() > 0
    assert [each.operation for each in silent.double.calls].count("UpdateSecretVersionStage") <= 1
    assert (caught.value.__cause__, caught.value.__context__, caught.value.unsent) == (None, None, True)


@pytest.mark.parametrize("act", ["describe", "read", "mark", "prove"])
def test_no_call_is_begun_that_could_not_end(own_door: Any, client: Any, act: str) -> None:
    """Reads and writes alike: nothing reaches the service."""
    store = AwsSecretsManager(client, own_door.name)
    acts: dict[str, Callable[[], object]] = {
        "describe": store.describe,
        "read": lambda: store.read(BASE),
        "mark": lambda: store.mark(BASE, marks.accepted(1)),
        "prove": lambda: store.prove(BASE, Evidence.LOGIN),
    }
    before = len(own_door.double.calls)
    with within(lambda: 1.9), pytest.raises(StoreUnavailable, match="too little time"):
        acts[act]()
    assert len(own_door.double.calls) == before
    acts[act]()


def test_with_time_enough_nothing_changes() -> None:
    """The time-out of the client holds, and it holds where no step is under way."""

    class Request:
        context: dict[str, object] = {}  # noqa: RUF012 - one is enough

    with within(lambda: ANSWER_SECONDS + 2.0):
        before_send(ANSWER_SECONDS, Request())
    before_send(ANSWER_SECONDS, Request())
    assert Request.context == {}
    with within(lambda: 4.0):
        before_send(ANSWER_SECONDS, Request())
    assert Request.context == {"read_timeout": 2.5}


def test_a_client_without_time_outs_of_single_requests_sends_nothing_that_might_outlast_the_step() -> None:
    """Requests of a botocore before 1.43 have no context: their answer would be waited for as long as ever."""
    with within(lambda: ANSWER_SECONDS + 2.0):
        before_send(ANSWER_SECONDS, object())
    with within(lambda: ANSWER_SECONDS + 1.0), pytest.raises(StoreUnavailable, match="too little time"):
        before_send(ANSWER_SECONDS, object())


def test_a_step_whose_store_falls_silent_after_the_reset_ends_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by itself before the function is stopped; the service's next attempt finds the candidate live."""
    with served_function(3) as rig:
        store, left, over = rig.world.secrets_manager, Countdown(2.4), threading.Event()
        ends: list[float] = []
        for name, value in store.environment().items():
            monkeypatch.setenv(name, value)
        rig.client = secrets_manager()

        def short() -> bool:
            return not over.is_set() and "PUT /v1/usg/acs/password" in rig.vendor_calls()

        def remaining(_: object) -> int:
            if short():
                left.begin()
            return int((60.0 if over.is_set() else left()) * 1000)

        def serve(event: dict[str, object]) -> None:
            try:
                rig.serve(event)
            finally:
                if short():
                    ends.append(left())
                    over.set()

        monkeypatch.setattr(type(rig.context), "get_remaining_time_in_millis", remaining)
        store.faults.before("UpdateSecretVersionStage", lambda _: over.wait(20 if short() else 0) and None)
        store.register_function(FUNCTION_ARN, serve)
        rig.rotate(HUAWEI)
        assert [each > 0 for each in ends] == [True]
        assert rig.document(HUAWEI)["password"] == rig.world.live(HUAWEI).reveal()
        assert (rig.locked, rig.lost) == (False, [])
