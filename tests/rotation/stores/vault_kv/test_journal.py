"""A journal that was deleted, or that another program wrote, stops every rotation of its secret."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreError
from rotation_testkit.conformance.store_backdoor import FIRST, NEXT


def test_a_deleted_journal_stops_everything(door):
    """A deleted journal may hold the live password, so it must be undeleted first."""
    door.store().stage(FIRST, NEXT)
    door.kv.delete("app.lockstep")
    with pytest.raises(StoreError, match="journal was deleted") as caught:
        door.store().describe()
    assert "undelete" in caught.value.hint
    door.kv.undelete("app.lockstep", 2)
    assert door.store().unfinished() == FIRST


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"format": 2, "versions": {}, "lease": None},
        {"format": 1, "versions": [], "lease": None},
        {"format": 1, "versions": {"a": {"labels": "canary"}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": ["x"], "value": 1}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": ["x"], "value": "canary", "created": "x"}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": [], "version": 1}}, "lease": None},
        {"format": 1, "versions": {}, "lease": {"token": "t"}},
        {"format": 1, "versions": {}},
    ],
)
def test_a_journal_that_somebody_else_wrote_stops_everything(refused, door, fields):
    """A journal of another form is an error that does not quote it."""
    door.kv.write("app.lockstep", SecretDocument(fields), cas=1)
    refused(door.store().describe, StoreError, None)
