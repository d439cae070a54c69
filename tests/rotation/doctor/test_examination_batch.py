"""The doctor, the drift check and the dry run of a secret that holds several accounts."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import LoginRejected, OutcomeUnknown, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.doctor import Action, Condition, PasswordState, Verb, examine, heal
from rotation.doctor.dry_run import Status, rehearse
from rotation.engine.run import verify
from rotation.state.stages import CURRENT
from rotation_testkit.fault_lab.in_memory.batch_scenario import KEY, make_batch
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OUTSIDE = Secret("Unknown0Unknown0Unkn")


def test_a_healthy_batch_is_checked_account_by_account():
    """Every account's login is checked, and nothing is left behind."""
    batch = make_batch()
    result = verify(batch.session(""))
    assert [(each.outcome, each.evidence) for each in result.members] == [("current_verified", Evidence.LOGIN)] * 3
    assert examine(batch.session("")).condition is Condition.HEALTHY
    assert batch.counts() == [(0, 0)] * 3


def test_an_account_out_of_step_is_named():
    """Drift check and doctor name the account, and the doctor says what a person must do."""
    batch = make_batch()
    batch.vendors[1].set_by_hand(OUTSIDE)
    with pytest.raises(LoginRejected, match="1 of 3 accounts failed: user-1"):
        verify(batch.session(""))
    found = examine(batch.session(""))
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert "user-1" in found.summary
    assert "lockstep rotate" in found.advice
    assert found.findings.current.password is PasswordState.DEAD


@pytest.mark.parametrize("edge", list(Edge))
def test_an_unfinished_rotation_is_finished(edge):
    """One account's answer was lost: the batch goes on under its own token."""
    batch = make_batch()
    token = batch.begin()
    batch.step(Step.CREATE, token)
    batch.fuse = Fuse(only="set_password", at=2, edge=edge, error=lambda _: OutcomeUnknown("lost"))
    with pytest.raises(RotationError):
        batch.step(Step.SET, token)
    batch.fuse = Fuse()
    batch.clock.sleep(200)
    outcome = heal(batch.session(""))
    assert (outcome.condition, [action.verb for action in outcome.done]) == (Condition.HEALTHY, [Verb.RESUME])
    assert batch.passwords() == batch.live()


def test_a_candidate_that_was_never_sent_is_dropped():
    """An unsent candidate blocks every later rotation."""
    batch = make_batch()
    batch.step(Step.CREATE, batch.begin())
    assert [action.verb for action in heal(batch.session("")).done] == [Verb.RELEASE]
    assert batch.rotate(batch.begin()) == []


@pytest.mark.parametrize("change", ["taken out", "moved", "another", "added"])
def test_a_batch_of_other_accounts_than_its_candidate_needs_a_human(change):
    """The rotation cannot go on, and its version alone holds the live password of the account that is gone."""
    batch = make_batch().unguarded()
    token = batch.begin()
    batch.step(Step.CREATE, token)
    batch.step(Step.SET, token)
    batch.clock.sleep(200)
    first, second, third = batch.document()[KEY]
    other = {
        "taken out": [second, third],
        "moved": [second, first, third],
        "another": [{**first, "tenant": "other"}, second, third],
        "added": [first, second, third, {**first, "tenant": "other"}],
    }
    batch.secret.put("by-hand", batch.document().replaced(**{KEY: other[change]}), CURRENT)
    found = examine(batch.session(""))
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert f"is in version {token}" in found.advice
    assert heal(batch.session("")).done == ()
    assert batch.secret.read(token).document[KEY][0]["password"] == batch.vendors[0].live


def test_the_accounts_put_back_let_a_batch_go_on():
    """With the candidate's list put back, as the advice says, the rotation is finished."""
    batch = make_batch()
    token = batch.begin()
    batch.step(Step.CREATE, token)
    batch.step(Step.SET, token)
    batch.clock.sleep(200)
    document = batch.document()
    batch.secret.put("by-hand-1", document.replaced(**{KEY: document[KEY][1:]}), CURRENT)
    assert examine(batch.session("")).condition is Condition.HUMAN
    batch.secret.put("by-hand-2", document.replaced(note="put back"), CURRENT)
    batch.clock.sleep(200)
    assert heal(batch.session("")).condition is Condition.HEALTHY
    assert batch.passwords() == batch.live()


def test_a_batch_whose_current_is_no_document_needs_a_human():
    """The candidate may hold live passwords: it is named and kept."""
    batch = make_batch()
    token = batch.begin()
    batch.step(Step.CREATE, token)
    batch.step(Step.SET, token)
    batch.clock.sleep(200)
    batch.secret.put("by-hand", SecretDocument({"oops": 1}), CURRENT)
    found = examine(batch.session(""))
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert token in found.summary


@pytest.mark.parametrize(("oracle", "condition"), [(False, Condition.HUMAN), (True, Condition.REPAIRABLE)])
def test_a_yes_from_before_current_was_put_is_no_proof(oracle, condition):
    """A human has reset an account and put its password in; a login would tell, an old yes does not."""
    batch = make_batch(oracle=oracle)
    batch.minimum = Evidence.ACCEPTED
    token = batch.begin()
    batch.step(Step.CREATE, token)
    batch.step(Step.SET, token)
    batch.clock.sleep(7200)
    for vendor in batch.vendors:
        vendor.set_by_hand(OUTSIDE)
    batch.put(batch.vendors)
    found = examine(batch.session(""))
    assert found.condition is condition
    heal(batch.session(""))
    assert batch.passwords() == batch.live()


def test_an_unsent_candidate_of_other_accounts_is_dropped():
    """An unsent candidate of other accounts holds nothing that could be lost."""
    batch = make_batch()
    token = batch.begin()
    batch.step(Step.CREATE, token)
    document = batch.document()
    batch.secret.put("by-hand", document.replaced(**{KEY: document[KEY][1:]}), CURRENT)
    assert examine(batch.session("")).plan == (Action(Verb.RELEASE, token),)


def test_a_batch_counts_its_labels_itself():
    """A batch has another rule than one account; createSecret says how large it may be."""
    batch = make_batch()
    for number in range(9):
        batch.secret.attach(f"mine-{number}", batch.secret.describe().current_id)
    assert examine(batch.session("")).condition is Condition.HEALTHY


def test_a_rehearsal_names_each_account():
    """Each check names its account."""
    batch = make_batch()
    batch.vendors[2].obstacles = (OutcomeUnknown("something is odd"),)
    found = rehearse(batch.session(""))
    stopped = [check for check in found if check.status is Status.STOPS]
    assert [(check.name, check.detail) for check in stopped] == [
        ("target", "user-2: outcome_unknown: something is odd")
    ]
    assert sum(check.name == "budget" for check in found) == 3
