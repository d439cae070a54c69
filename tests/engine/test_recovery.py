"""Ways out of states in which nothing can be asked, nobody rotates any more, or the vendor keeps failing."""

import pytest

from rotation.core.errors import CannotVerify, OutcomeUnknown
from rotation.core.values import Evidence, Step
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse


def created(world, kind="admin", **settings):
    """A scenario after createSecret."""
    scenario = world(kind, **settings)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    return scenario, token


def test_less_proof_heals_a_lost_reply_without_a_login(world):
    """Nobody can be asked and less is enough: the same candidate is sent until the vendor says yes."""
    scenario, token = created(world)
    scenario.minimum = Evidence.ACCEPTED
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER, error=lambda _: OutcomeUnknown("lost"))
    with pytest.raises(OutcomeUnknown):
        scenario.step(Step.SET, token)

    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: CannotVerify("closed"))
    assert scenario.step(Step.SET, token).outcome == "sent"
    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: CannotVerify("closed"))
    assert scenario.step(Step.TEST, token).evidence is Evidence.ACCEPTED
    scenario.fuse = Fuse()
    scenario.step(Step.FINISH, token)

    assert scenario.password() == scenario.vendor.live


def test_a_cancelled_rotation_whose_reset_went_out_is_found(world):
    """Self-service: the live password stands on a version that nobody rotates any more; the next rotation uses it.

    The refused change is the one wrong login: that version is asked about before the candidate.
    """
    scenario, token = created(world, "self", min_age_seconds=0)
    scenario.step(Step.SET, token)
    scenario.secret.detach(PENDING, token)
    scenario.clock.sleep(3600)

    failures = scenario.rotate(scenario.begin())

    assert failures == []
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.wrong_logins == 1


def test_a_task_that_always_fails_parks(world):
    """Two tries of one run, then a pause with the reason, instead of a reset per retry."""
    scenario = world("admin-task", task_fails=True)
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=10, spacing=20.0)

    assert set(failures) == {"parked", "gave up"}
    assert scenario.vendor.resets == 2
    assert scenario.secret.describe().versions[token].parked[0] == "reset_fails"
