"""An inspection session shows the doctor and the dry run a secret as a rotation would see it."""

from __future__ import annotations

import pytest

from rotation.doctor import Condition, Verb
from rotation.doctor.dry_run import Status, rehearse
from rotation.doctor.heal import heal
from rotation.state.stages import CURRENT
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from vault_plugin.job.inspection import inspection_session
from vault_plugin.job.kv_rotation import JobContext
from vault_plugin.mirror import MirroredStore

CHANGE = "PUT /v1/usg/acs/password"


@pytest.fixture
def look():
    """Return a function that makes an inspection session for an account's secret."""

    def at(started, account, **choices):
        context = JobContext(kv=started.kv, deployment=started.deployment, clock=started.world.clock, **choices)
        return inspection_session(context, started.path(account))

    return at


def lost_answer(started, rotate):
    """Rotate with the answer to an applied change lost; return the token."""
    started.world.huawei.faults.add(CHANGE, FaultKind.DROP_AFTER)
    done = rotate(started, HUAWEI)
    assert done.error is not None
    assert not started.heals(HUAWEI)
    return done.token


def test_a_reset_that_never_arrived_is_sent_again(modelled, rotate, look):
    """An administrator's reset is sent once more with the same candidate, which SSH proves."""
    with modelled(holding=(UCLOUD,)) as started:
        started.world.ucloud.faults.add("ResetCompShareInstancePassword", FaultKind.DROP_BEFORE)
        assert rotate(started, UCLOUD).error is not None
        for _ in range(3):  # each wrong login counts for 900 seconds, and two of them are the most
            started.world.clock.sleep(1000)
            outcome = heal(look(started, UCLOUD))
            if outcome.condition is not Condition.WAITING:
                break
        assert outcome.condition is Condition.HEALTHY
        assert started.heals(UCLOUD)
        assert started.world.changes(UCLOUD) == 1


def test_what_the_secret_wishes_for_holds_for_the_dry_run(modelled, look):
    """A length that the vendor takes passes, and one that it refuses stops the rotation."""
    with modelled(holding=(HUAWEI,)) as started:
        started.wish(HUAWEI, length="24", shell_safe="true")
        assert {check.status for check in rehearse(look(started, HUAWEI))} <= {Status.READY, Status.UNKNOWN}
        started.wish(HUAWEI, length="33")
        (stops,) = (check for check in rehearse(look(started, HUAWEI)) if check.status is Status.STOPS)
        assert stops.detail.endswith("33 is not within 8 to 32 (asked for: 33 characters)")


def test_what_is_put_right_reaches_the_mirror(modelled, rotate, look):
    """A repair goes through the job's wrapped store, so both stores hold the live password."""
    with modelled(holding=(HUAWEI,)) as started:
        secret = MemorySecret(now=started.world.clock.now)
        secret.put("aws-1", started.kv.read(started.path(HUAWEI)).document, CURRENT)
        token = lost_answer(started, rotate)
        outcome = heal(look(started, HUAWEI, wrap_store=lambda store, _: MirroredStore(store, MemoryStore(secret))))
        assert [(action.verb, action.version_id) for action in outcome.done] == [(Verb.PROMOTE, token)]
        mirrored = secret.read(secret.describe().current_id).document.password
        assert mirrored == started.stored(HUAWEI) == started.world.live(HUAWEI)
