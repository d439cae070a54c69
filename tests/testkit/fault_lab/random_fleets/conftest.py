"""Fleets of one secret, and runs that are under way."""

import pytest

from rotation_testkit.fault_lab.random_fleets.play.fleet import Fleet
from rotation_testkit.fault_lab.random_fleets.play.invocation import Invocation


@pytest.fixture
def only():
    """Make a fleet of one secret; return it and its member."""

    def made(kind):
        fleet = Fleet([kind])
        return fleet, fleet.members[0]

    return made


@pytest.fixture
def run_of():
    """Make a run of a member that is under way and meets these faults."""

    def made(member, *faults):
        now = member.clock.now()
        return Invocation(member=member, token="token-1", faults=faults, started=now, deadline=now + 60, seen=[])

    return made
