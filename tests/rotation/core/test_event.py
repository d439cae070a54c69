"""An event has a documented form, and an id by which a repeat is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from rotation.core.event import VERSION, Event, EventKind
from rotation.core.values import Evidence

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/events.schema.json").read_text())
VALID = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
WHOLE = Event(
    kind=EventKind.COMMITTED,
    secret="arn:aws:secretsmanager:eu-central-1:111122223333:secret:app-AbCdEf",
    at=1_790_000_000.9,
    token="t" * 32,
    driver="acme",
    evidence=Evidence.LOGIN,
    reason="too_soon",
    not_before=1_790_000_300.2,
)


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_follows_the_schema(kind: EventKind) -> None:
    """Every field that an event may have is in the schema, whatever its kind."""
    described = replace(WHOLE, kind=kind).describe()
    assert list(VALID.iter_errors(json.loads(json.dumps(described)))) == []
    assert described.keys() == SCHEMA["properties"].keys()


def test_the_schema_has_the_kinds_and_the_version_of_the_code() -> None:
    """Neither can change alone."""
    assert SCHEMA["properties"]["kind"]["enum"] == [kind.value for kind in EventKind]
    assert SCHEMA["properties"]["version"] == {"const": VERSION}
    assert SCHEMA["properties"]["evidence"]["enum"] == [each.name for each in sorted(Evidence, reverse=True)]


def test_a_committed_event_without_token_or_evidence_breaks_the_schema() -> None:
    """A consumer can rely on what is required for its kind."""
    for lacking in ("token", "evidence"):
        described = {key: value for key, value in WHOLE.describe().items() if key != lacking}
        assert not VALID.is_valid(described)


def test_times_are_dates_in_utc_of_whole_seconds() -> None:
    """A date is never later than what it stands for."""
    described = WHOLE.describe()
    assert (described["at"], described["not_before"]) == ("2026-09-21T14:13:20Z", "2026-09-21T14:18:20Z")


def test_a_repeat_has_the_same_id_and_everything_else_has_another() -> None:
    """Time, driver and evidence do not count, since a repeat may know them better."""
    assert replace(WHOLE, at=0.0, driver=None, evidence=None).id == WHOLE.id
    others = [
        replace(WHOLE, kind=EventKind.PROVED),
        replace(WHOLE, secret="other"),
        replace(WHOLE, token="u" * 32),
        replace(WHOLE, reason="back_off"),
        replace(WHOLE, not_before=None),
    ]
    assert len({each.id for each in (WHOLE, *others)}) == 1 + len(others)
    assert WHOLE.id == "196a9133-218a-523d-9e0c-d9fe0f06e8b5"
