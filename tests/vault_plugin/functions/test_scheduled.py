"""The scheduled function: EventBridge's events in, every due secret rotated, one line for each, errors as errors."""

import io
import json
from pathlib import Path

import pytest

from rotation.core.errors import EventError, RotationError, StoreUnreachable
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE
from vault_plugin.functions.scheduled import RotationsFailed, Surroundings, handle

EVENTS = Path(__file__).parents[3] / "events" / "eventbridge"
MONTH = 31 * 86_400


@pytest.fixture
def function(openbao):
    """Invoke the function in a world; return its answer and its lines."""

    def invoke(started, given, *, seconds=900.0, **variables):
        log, failure, answer = io.StringIO(), None, None
        server = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root_token.reveal()}
        environment, clock = {**started.environment(), **server, **variables}, started.world.clock
        surroundings = Surroundings(environment=environment, clock=clock, wrap_store=None, log=log)
        try:
            answer = handle(given, FunctionContext.lasting(seconds), surroundings)
        except RotationError as error:
            failure = error
        return answer, failure, [json.loads(line) for line in log.getvalue().splitlines()]

    return invoke


@pytest.mark.parametrize("name", ["scheduled", "scheduler", "custom"])
def test_each_event_rotates_what_is_due(real, function, name):
    """The folder comes from the event, or else from the environment."""
    with real(holding=(VOLCENGINE,), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(MONTH)
        given = json.loads((EVENTS / f"{name}.json").read_text())
        for holder in (given, given.get("detail", {})):
            if "prefix" in holder:
                holder["prefix"] = f"{started.folder}/apps"
        folder = {} if name != "scheduled" else {"LOCKSTEP_VAULT_PREFIX": f"{started.folder}/apps"}
        answer, failure, lines = function(started, given, **folder)
        assert failure is None
        assert answer == {"due": 1, "done": 1, "parked": 0, "failed": 0, "waiting": 0}
        assert {line.get("outcome") for line in lines} == {"promoted", None}
        assert len({line["request_id"] for line in lines}) == 1
        assert started.heals(VOLCENGINE)


def test_a_failed_rotation_makes_the_invocation_fail(real, function):
    """The invocation fails, so the function's error metric shows it; the other secrets are rotated."""
    with real(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(MONTH)
        started.world.volcengine.faults.add("*", FaultKind.ERROR_BEFORE, times=99)
        answer, failure, lines = function(started, {"prefix": started.folder})
        assert (answer, type(failure)) == (None, RotationsFailed)
        assert "1 of 2" in failure.message
        assert [line.get("failed") for line in lines if "failed" in line] == [1]
        assert started.heals(HUAWEI)


def test_with_too_little_time_nothing_is_begun(real, function):
    """With too little time no rotation is begun; the next invocation does it."""
    with real(holding=(HUAWEI,), custom={"lockstep-every": "30d"}) as started:
        started.world.clock.sleep(MONTH)
        _, failure, lines = function(started, {"prefix": started.folder}, seconds=60.0)
        assert isinstance(failure, RotationsFailed)
        assert lines[0]["outcome"] == "not_enough_time"
        assert started.world.changes(HUAWEI) == 0


@pytest.mark.parametrize("given", [None, "x", [], {"prefix": 1}, {"detail": {"prefix": None}}])
def test_an_event_of_another_form_is_refused(real, function, given):
    """An event of another form is refused before the server is asked."""
    with real(holding=(HUAWEI,)) as started:
        _, failure, lines = function(started, given)
        assert isinstance(failure, EventError)
        assert lines[0]["error"]["code"] == "event_error"


def test_a_server_that_is_gone_fails_the_invocation(real, function):
    """A missing server is a typed error in one log line."""
    with real(holding=(HUAWEI,)) as started:
        _, failure, lines = function(started, {}, VAULT_ADDR="http://127.0.0.1:1")
        assert isinstance(failure, StoreUnreachable)
        assert [line["error"]["vendor_code"] for line in lines] == ["unreachable"]
