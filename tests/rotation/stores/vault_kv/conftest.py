"""A secret in the modelled KV engine, and a check of what its store raises."""

from __future__ import annotations

import traceback

import pytest

from rotation.core.errors import StoreError
from rotation_testkit.conformance.kv_backdoor import KvDoor
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock


@pytest.fixture
def door():
    """Return a secret in the model, at ``app``."""
    clock = VirtualClock()
    return KvDoor(Kv2(now=clock.now), "app", clock)


@pytest.fixture
def refused():
    """Return a function that checks a call's error: type, code, no value, and no foreign exception behind it."""

    def check(call, error, code):
        with pytest.raises(StoreError) as caught:
            call()
        raised = caught.value
        assert (type(raised), raised.vendor_code) == (error, code)
        assert raised.__cause__ is None
        assert raised.__context__ is None
        ours = [frame.f_locals for frame, _ in traceback.walk_tb(raised.__traceback__)][1:]
        assert "canary" not in repr(ours) + repr(raised) + repr(raised.describe())
        return raised

    return check
