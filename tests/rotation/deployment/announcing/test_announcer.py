"""Events reach every target that the deployment names, and a target that is down stops nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import SettingsError
from rotation.core.event import EventKind
from rotation.core.values import Evidence
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.deployment.configuration import read
from rotation.deployment.deployment import SETTINGS, Deployment
from rotation.deployment.sources import File
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The key of the specification's own example; it protects nothing."""


def deployment(events: str) -> Deployment:
    """Return a deployment with a table ``[events]``."""
    text = f'drivers = ["acme"]\n[events]\n{events}'
    return Deployment.of(read(SETTINGS, {}, File(name="lockstep.toml", tables=tomllib.loads(text))))


def announcer(events: str, asked: list[str] | None = None) -> Announcer:
    """Return an announcer whose secrets are read from nowhere but here."""

    def fetch(name: str) -> SecretDocument:
        (asked if asked is not None else []).append(name)
        return SecretDocument({"key": KEY})

    clock = VirtualClock()
    binder = Binder(deployment=deployment(events), fetch=fetch, clock=clock, time_left=lambda: 60.0)
    binder.driver = "acme"
    return Announcer.of(binder, lambda: "app/db")


def test_without_a_target_nothing_happens() -> None:
    """The announcement counts as heard, so that nothing is noted."""
    made = announcer("")
    assert made(EventKind.COMMITTED, "t")
    assert made.unheard == {}


def test_every_target_gets_the_same_event(receiver: Any, tmp_path: Path) -> None:
    """The driver is what the run has bound by then; the key is read once for a run, and only for a post."""
    asked: list[str] = []
    lines = tmp_path / "events.jsonl"
    made = announcer(f'webhook = "{receiver.url}"\nwebhook_key_secret = "hook"\nlines = "{lines}"', asked)
    assert asked == []
    assert made(EventKind.PROVED, "t", evidence=Evidence.LOGIN)
    assert made(EventKind.COMMITTED, "t", evidence=Evidence.LOGIN)
    written = lines.read_text().splitlines()
    assert [body.decode() for _, body in receiver.posts] == written
    event = json.loads(written[1])
    assert {key: event[key] for key in ("kind", "secret", "driver", "token", "evidence")} == {
        "kind": "committed",
        "secret": "app/db",
        "driver": "acme",
        "token": "t",
        "evidence": "LOGIN",
    }
    assert [headers["webhook-id"] for headers, _ in receiver.posts] == [json.loads(each)["id"] for each in written]
    assert asked == ["hook"]


@pytest.mark.shows_secrets("file key", reason="the operator's own file")
def test_a_key_may_stand_in_a_file(receiver: Any, tmp_path: Path) -> None:
    """Its line end does not count."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    made = announcer(f'webhook = "{receiver.url}"\nwebhook_key_file = "{file}"')
    assert made(EventKind.SENT, "t")
    assert len(receiver.posts) == 1


def test_a_target_that_is_down_is_asked_once_and_the_others_hear_everything(receiver: Any, tmp_path: Path) -> None:
    """So a run waits for it once, and its log line says why."""
    receiver.status = 500
    lines = tmp_path / "events.jsonl"
    made = announcer(f'webhook = "{receiver.url}"\nwebhook_key_secret = "hook"\nlines = "{lines}"')
    assert [made(kind, "t") for kind in (EventKind.SENT, EventKind.PROVED)] == [False, False]
    assert len(receiver.posts) == 1
    assert len(lines.read_text().splitlines()) == 2
    assert made.unheard == {"webhook": "unexpected_reply"}


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ('lines = "/nonexistent/events"', {"lines": "FileNotFoundError"}),
        ('webhook = "https://127.0.0.1:1"\nwebhook_key_file = "/nonexistent"', {"webhook": "FileNotFoundError"}),
    ],
)
def test_whatever_fails_in_a_target_raises_nothing(events: str, why: dict[str, str]) -> None:
    """Only the kind of a foreign error gets out, since its text may hold the key."""
    made = announcer(events)
    assert not made(EventKind.COMMITTED, "t", evidence=Evidence.LOGIN)
    assert made.unheard == why


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ('webhook = "https://hooks.example/a"', "needs one key"),
        ('webhook = "https://hooks.example/a"\nwebhook_key_file = "a"\nwebhook_key_secret = "b"', "needs one key"),
        ('webhook_key_file = "a"', "needs events.webhook beside it"),
        ('webhook = "http://hooks.example/a"\nwebhook_key_file = "a"', "must use https"),
        ('webhook = "https://hooks.example/a?key=b"\nwebhook_key_file = "a"', "must be a URL"),
        ('bus = "not a bus"', "must be the name or ARN of an event bus"),
        ('webhok = "https://hooks.example"', "the nearest is events.webhook"),
    ],
)
def test_settings_that_cannot_work_are_faults(events: str, fault: str) -> None:
    """They are reported with all others, before anything is rotated."""
    with pytest.raises(SettingsError, match=fault):
        deployment(events)
