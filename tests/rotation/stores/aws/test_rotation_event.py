"""Facts about the events of Secrets Manager."""

import traceback
from types import MappingProxyType

import pytest

from rotation.core.errors import EventError
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.stores.aws.rotation_event import RotationEvent

TOKEN = "3f6c2f0e-1f0a-4a52-9d3a-5f5f0c1f7a11"
EVENT: dict[str, object] = {"Step": "createSecret", "SecretId": "prod/app", "ClientRequestToken": TOKEN}


def test_an_event_is_read():
    """An event is any mapping; it may have no RotationToken, as within one account, and further keys."""
    for event in ({**EVENT, "Further": 1}, MappingProxyType(EVENT)):
        assert RotationEvent.parse(event) == RotationEvent(Step.CREATE, "prod/app", TOKEN, None)


def test_a_rotation_token_is_kept_as_a_secret():
    """The repr of an event does not show its RotationToken."""
    event = RotationEvent.parse(EVENT | {"RotationToken": "canary" * 6})
    assert event.rotation_token == Secret("canary" * 6)
    assert "canary" not in repr(event)


@pytest.mark.parametrize("event", [None, "canary", 7, [], [("Step", "createSecret")], b"{}", True])
def test_an_event_is_an_object(event):
    """An event that is not a JSON object is refused."""
    with pytest.raises(EventError, match="not an object"):
        RotationEvent.parse(event)


MALFORMED: dict[str, tuple[str, object]] = {
    "no secret id": ("SecretId", None),
    "empty secret id": ("SecretId", ""),
    "secret id no text": ("SecretId", ["canary"]),
    "secret id with a line break": ("SecretId", "canary\nINJECTED"),
    "secret id ends in a line break": ("SecretId", "canary\n"),
    "secret id not ASCII": ("SecretId", "canary-ä"),
    "secret id too long": ("SecretId", "canary" * 400),
    "no token": ("ClientRequestToken", None),
    "token no text": ("ClientRequestToken", 7),
    "token too short": ("ClientRequestToken", "c" * 31),
    "token too long": ("ClientRequestToken", "canary" * 11),
    "token with a space": ("ClientRequestToken", "canary" + " " * 30),
    "token with a line break": ("ClientRequestToken", "canary" * 6 + "\n"),
    "rotation token empty": ("RotationToken", ""),
    "rotation token short": ("RotationToken", "canary"),
    "rotation token long": ("RotationToken", "canary" * 43),
    "rotation token no text": ("RotationToken", {"canary": 1}),
    "rotation token false": ("RotationToken", False),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_field_is_named_and_not_quoted(case):
    """The error names the key and quotes no value."""
    key, value = MALFORMED[case]
    with pytest.raises(EventError, match=key) as caught:
        RotationEvent.parse({**EVENT, key: value})
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", EVENT)
def test_each_key_of_an_event_is_needed(key):
    """The error names the key that is missing."""
    with pytest.raises(EventError, match=key):
        RotationEvent.parse({name: value for name, value in EVENT.items() if name != key})


@pytest.mark.parametrize("length", [32, 64])
def test_tokens_have_32_to_64_characters(length):
    """The API model of Secrets Manager sets the length of a token."""
    token = "t" * length
    assert RotationEvent.parse({**EVENT, "ClientRequestToken": token}).token == token
