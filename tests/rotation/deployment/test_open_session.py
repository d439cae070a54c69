"""A session takes its store, clock and time from what it is opened with, and has a holder name of its own."""

from unittest.mock import Mock

import pytest

from rotation.core.document import SecretDocument
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.deployment.open_session import countdown, open_session
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock


def make():
    """Return a store and a binder for a run of one minute."""
    clock, deployment = VirtualClock(), Deployment(drivers=("acme",))
    binder = Binder(deployment=deployment, fetch=Mock(), clock=clock, time_left=countdown(60.0, clock.now))
    return MemoryStore(MemorySecret(now=clock.now)), binder


def test_a_session_is_bound_by_its_binder_and_lasts_as_long():
    """Clock and time are the binder's; without a token the session only looks, and nobody has ordered it."""
    store, binder = make()
    session = open_session(store, binder)
    assert (session.store, session.clock) == (store, binder.clock)
    assert (session.token, session.ordered) == ("", False)
    session.clock.sleep(15.0)
    assert session.time_left() == 45.0


def test_two_sessions_hold_the_lease_under_different_names():
    """A holder is 16 hexadecimal digits, never the same for two sessions."""
    store, binder = make()
    holders = {open_session(store, binder, token="t", ordered=True).holder for _ in range(100)}
    assert len(holders) == 100
    assert all(len(holder) == 16 and int(holder, 16) >= 0 for holder in holders)


def test_a_face_may_narrow_what_the_binder_returns(meeting):
    """Another function may change what the binder returns, while clock and time stay the binder's."""
    (store, binder), seen = make(), []
    binder.deployment = Deployment(drivers=("huawei_meeting",))
    session = open_session(store, binder, narrow=lambda bound: seen.append(bound) or "narrowed")
    assert session.bind(meeting) == "narrowed"
    assert [bound.username for bound in seen] == ["alice"]
    assert session.time_left is binder.time_left


@pytest.fixture
def meeting():
    """The document of an account that changes its own password."""
    return SecretDocument({"driver": "huawei_meeting", "username": "alice", "password": "Old-pass-1234"})
