"""An event on the bus reaches the rules that docs/events.md shows; a bus that is down is left after a second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from rotation.core.errors import NotEnoughTime, StoreDenied, StoreError, StoreUnavailable
from rotation.stores.aws import event_bus
from rotation.stores.aws.event_bus import EventBus

ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app-AbCdEf"
BODY = json.dumps({"kind": "committed", "secret": ARN}).encode()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve AWS from this process, with a client of this test's own."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    event_bus._client.cache_clear()
    with mock_aws():
        yield
    event_bus._client.cache_clear()


def received(kinds: list[str]) -> Any:
    """Make a queue that gets the events of these kinds, and return what reads it."""
    events, queues = boto3.client("events", "eu-central-1"), boto3.client("sqs", "eu-central-1")
    url = queues.create_queue(QueueName="q")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["lockstep"], "detail-type": kinds, "resources": [ARN]}
    events.put_rule(Name="r", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn}])
    return lambda: [json.loads(each["Body"]) for each in queues.receive_message(QueueUrl=url).get("Messages", [])]


@pytest.mark.usefixtures("aws")
def test_a_rule_for_committed_gets_committed_and_nothing_else() -> None:
    """Source, detail type and resource are what rules choose by; the detail is the event."""
    read = received(["committed"])
    bus = EventBus(bus="default", time_left=lambda: 60.0)
    bus.put(kind="sent", secret=ARN, body=b'{"kind": "sent"}')
    bus.put(kind="committed", secret=ARN, body=BODY)
    (message,) = read()
    assert message["detail"] == json.loads(BODY)
    assert (message["source"], message["detail-type"], message["resources"]) == ("lockstep", "committed", [ARN])


@pytest.mark.usefixtures("aws")
def test_too_little_time_begins_nothing() -> None:
    """A step that is nearly over is not cut off in the middle of an announcement."""
    read = received(["committed"])
    with pytest.raises(NotEnoughTime):
        EventBus(bus="default", time_left=lambda: 3.9).put(kind="committed", secret=ARN, body=BODY)
    assert read() == []


def test_a_bus_that_nobody_answers_for_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt, with a second to connect and two for the answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    event_bus._client.cache_clear()
    tries = []
    client = event_bus._client()
    client.meta.events.register("before-send.events", lambda **_: tries.append(1) or None)
    try:
        with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
            EventBus(bus="default", time_left=lambda: 60.0).put(kind="committed", secret="app/db", body=BODY)
    finally:
        event_bus._client.cache_clear()
    assert len(tries) == 1
    config = client.meta.config
    assert config.connect_timeout + config.read_timeout <= event_bus.SECONDS


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", StoreDenied),
        ("ResourceNotFoundException", StoreError),
        ("ThrottlingException", StoreUnavailable),
    ],
)
@pytest.mark.parametrize("of_the_entry", [False, True])
def test_what_lasts_is_kept_apart_from_what_passes(
    monkeypatch: pytest.MonkeyPatch, code: str, kind: type[StoreError], *, of_the_entry: bool
) -> None:
    """The log line names the code of the error, by which somebody mends the bus or waits."""

    class Service:
        """EventBridge with one answer."""

        def put_events(self, **_: object) -> Any:
            if of_the_entry:
                return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code}]}
            raise ClientError({"Error": {"Code": code}}, "PutEvents")

    monkeypatch.setattr(event_bus, "_client", Service)
    with pytest.raises(kind, match=code) as caught:
        EventBus(bus="default", time_left=lambda: 60.0).put(kind="committed", secret=ARN, body=BODY)
    assert (type(caught.value), "events.bus" in caught.value.hint) == (kind, True)
