"""A post is signed as Standard Webhooks says, has little time, and goes nowhere but to the address that is named."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Independent
from standardwebhooks.webhooks import WebhookVerificationError

from rotation.core.clock import SystemClock
from rotation.core.errors import NotEnoughTime, RotationError, SettingsError, UnexpectedReply
from rotation.core.secret import Secret
from rotation.deployment.announcing.webhook import SECONDS, Webhook, signature

PUBLISHED = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
"""The key of the specification's own example; it protects nothing."""
BODY = b'{"kind": "committed"}'


def webhook(url: str, key: Secret = PUBLISHED, *, time_left: float = 60.0) -> Webhook:
    """Return a webhook to an address."""
    return Webhook(url=url, key=lambda: key, clock=SystemClock(), time_left=lambda: time_left)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    """Published with the reference libraries of Standard Webhooks (read 2026-11)."""
    signed = signature(PUBLISHED, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_library_takes_a_post_and_refuses_a_changed_one(receiver: Any) -> None:
    """The library of somebody else checks signature and time of what arrived."""
    webhook(receiver.url).send("5c1e", BODY)
    ((headers, body),) = receiver.posts
    assert (headers["webhook-id"], headers["content-type"]) == ("5c1e", "application/json")
    assert Independent(PUBLISHED.reveal()).verify(body, headers) == {"kind": "committed"}
    with pytest.raises(WebhookVerificationError):
        Independent(PUBLISHED.reveal()).verify(body.replace(b"committed", b"enrolled "), headers)
    with pytest.raises(WebhookVerificationError):
        Independent(PUBLISHED.reveal()).verify(body, {**headers, "webhook-id": "5c1f"})


@pytest.mark.parametrize("key", ["", "no prefix, and long enough for a key", "whsec_dG9vIHNob3J0", "whsec_!"])
def test_a_key_of_another_form_is_refused_without_a_word_of_it(receiver: Any, key: str) -> None:
    """A short key would make the signature worthless; the error says what a key looks like."""
    with pytest.raises(SettingsError, match="whsec_") as refused:
        webhook(receiver.url, Secret(key)).send("5c1e", BODY)
    assert not key or key not in str(refused.value)
    assert receiver.posts == []


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_an_answer_that_is_no_success_means_that_the_event_was_not_taken(receiver: Any, status: int) -> None:
    """A redirect is not followed, since only the address that the deployment names may get events."""
    receiver.status = status
    with pytest.raises(UnexpectedReply):
        webhook(receiver.url).send("5c1e", BODY)
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    "url", ["http://hooks.example/a", "https://127.0.0.1:1/a"], ids=["plain http", "nobody listens"]
)
def test_nothing_is_sent_in_clear_or_to_nobody(url: str) -> None:
    """The rules of the one HTTP door hold here, too."""
    with pytest.raises(RotationError) as failed:
        webhook(url).send("5c1e", BODY)
    assert failed.value.code in ("host_not_allowed", "config_error")


def test_a_post_needs_its_time_within_what_is_left_of_the_step(receiver: Any) -> None:
    """With less than two seconds left nothing is begun, and a post never takes longer than two."""
    with pytest.raises(NotEnoughTime):
        webhook(receiver.url, time_left=1.5).send("5c1e", BODY)
    assert receiver.posts == []
    assert SECONDS <= 2.0
