"""A journal that was deleted, or that another program wrote, stops every rotation of its secret."""

from __future__ import annotations

import traceback

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreError
from rotation_testkit.conformance.kv_backdoor import KvDoor
from rotation_testkit.conformance.store_backdoor import FIRST, NEXT
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock


def refused(call, error, code):
    """Make a call and check what it raises: type, code, no value, nothing foreign behind it."""
    with pytest.raises(StoreError) as caught:
        call()
    raised = caught.value
    assert (type(raised), raised.vendor_code) == (error, code)
    assert raised.__cause__ is None
    assert raised.__context__ is None
    ours = [frame.f_locals for frame, _ in traceback.walk_tb(raised.__traceback__)][1:]
    assert "canary" not in repr(ours) + repr(raised) + repr(raised.describe())
    return raised


@pytest.fixture
def door():
    """A secret on the model."""
    clock = VirtualClock()
    return KvDoor(Kv2(now=clock.now), "app", clock)


def test_a_deleted_journal_stops_everything(door):
    """It may hold the live password."""
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
def test_a_journal_that_somebody_else_wrote_stops_everything(door, fields):
    """Without being quoted."""
    door.kv.write("app.lockstep", SecretDocument(fields), cas=1)
    refused(door.store().describe, StoreError, None)
