"""A login that certainly was not judged costs nothing; one whose answer was lost stays charged."""

from __future__ import annotations

from typing import Any

import pytest

from rotation.core.errors import CannotVerify, HostNotAllowed, NotEnoughTime, RotationError, VendorUnavailable
from rotation.core.values import Step
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

LOST = CannotVerify("lost")
LOST.definite = False


@pytest.mark.parametrize(
    ("failure", "charged"),
    [
        (VendorUnavailable("refused", unsent=True), False),
        (VendorUnavailable("lost"), True),
        (CannotVerify("closed", unsent=True), False),
        (CannotVerify("a captcha is asked for"), False),
        (LOST, True),
        (NotEnoughTime("late"), False),
        (HostNotAllowed("elsewhere"), False),
    ],
)
def test_what_a_failed_login_costs(world: Any, failure: RotationError, charged: bool) -> None:  # noqa: FBT001 - a column of the table
    """Of the labels, which outlast the run."""
    scenario = world("self", min_age_seconds=0, history=0)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.step(Step.SET, token)
    scenario.fuse = Fuse(only="verify", at=1, edge=Edge.BEFORE, error=lambda _: failure)
    with pytest.raises(type(failure)):
        scenario.step(Step.TEST, token)
    state = scenario.secret.describe()
    assert PENDING in state.versions[token].stages
    assert state.wrong_logins(since=0)[0] == int(charged)
