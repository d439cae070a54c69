"""W01 to W07: what a rotation meets before it does anything."""

import pytest
from botocore.exceptions import ClientError

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    IdentityChanged,
    LoginRejected,
    RotationError,
    RotationNotEnabled,
    SecretDocumentError,
    StageError,
)
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.doctor import Condition
from rotation.doctor.heal import heal
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.worlds.setups import make


def untouched(made):
    """Tell whether the vendor was never called."""
    return (made.vendor.resets, made.vendor.wrong_logins) == (0, 0) and "verify" not in made.fuse.effects


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.window(1)
def test_rotation_off_or_token_without_a_stage(scenario, step):
    """A disabled rotation, an unknown token and a version without a stage are refused before any vendor call."""
    made = scenario()
    token = made.begin()
    made.secret.rotation_enabled = False
    with pytest.raises(RotationNotEnabled):
        made.step(step, token)
    made.secret.rotation_enabled = True
    with pytest.raises(StageError):
        made.step(step, "unknown")
    made.secret.detach(PENDING, token)
    with pytest.raises(StageError):
        made.step(step, token)
    assert untouched(made)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.window(2)
def test_the_token_is_current_already(scenario, step):
    """A late duplicate of any step succeeds before any vendor call."""
    made = scenario("self")
    token = made.begin()
    assert made.rotate(token) == []
    made.fuse = Fuse()

    assert made.step(step, token).outcome == "already_done"

    assert {"set_password", "verify", "observe"}.isdisjoint(made.fuse.effects)


@pytest.mark.parametrize("spacing", [10, 600])
@pytest.mark.window(3)
def test_a_foreign_pending_version_that_may_be_live(scenario, spacing):
    """The service refuses a new rotation; once an operator strips the label, the next one finds the live candidate."""
    world = make(Line("lockstep", "admin", "aws", spacing))
    with pytest.raises(ClientError, match="InvalidRequestException"):
        world.algorithm.begin()
    made = scenario("self")
    token = made.run_to(Step.SET)
    made.secret.detach(PENDING, token)
    made.clock.sleep(3600)

    assert made.rotate(made.begin(), spacing=float(spacing)) == []

    assert made.password() == made.vendor.live
    assert made.vendor.wrong_logins <= 2


@pytest.mark.parametrize("upto", [Step.CREATE, Step.SET, Step.TEST])
@pytest.mark.parametrize("driver", ["admin", "self"])
@pytest.mark.window(3)
def test_the_doctor_tells_what_the_foreign_pending_version_is(scenario, driver, upto):
    """The doctor makes current live and a new rotation possible; no label has to be stripped by hand."""
    made = scenario(driver)
    made.run_to(upto)
    made.clock.sleep(3600)

    assert heal(made.session()).condition is Condition.HEALTHY

    assert made.password() == made.vendor.live
    assert made.secret.describe().holder(PENDING) in (None, made.secret.describe().current_id)
    made.clock.sleep(3600)
    assert made.rotate(made.begin()) == []


@pytest.mark.window(4)
def test_a_foreign_pending_version_without_a_value(scenario):
    """An empty version holds nothing that could be live, and is never read as a password."""
    made = scenario("self")
    empty = made.begin()
    made.secret.detach(PENDING, empty)

    assert made.rotate(made.begin()) == []

    assert made.vendor.wrong_logins == 0


@pytest.mark.parametrize("step", [Step.CREATE, Step.TEST])
@pytest.mark.window(5)
def test_no_current_value_yet(scenario, step):
    """A rotation of a secret without a value is refused with a hint, and nothing is sent."""
    made = scenario("self")
    made.secret.put("version-9", None, CURRENT)

    with pytest.raises(SecretDocumentError) as refused:
        made.step(step, made.begin())

    assert "before rotating" in refused.value.hint
    assert untouched(made)


@pytest.mark.parametrize("changed", [{"username": "bob"}, {"tenant": "other"}, {"username": ""}, {"password": 5}])
@pytest.mark.window(6)
def test_a_value_that_is_no_account_or_another_one(scenario, changed):
    """Incomplete documents and documents of different accounts are refused, and the message shows no value."""
    made = scenario()
    token = made.run_to(Step.CREATE)
    document = made.secret.read("version-0").document
    made.secret.put("version-9", document.replaced(**changed), CURRENT)

    with pytest.raises((IdentityChanged, SecretDocumentError)) as refused:
        made.step(Step.SET, token)

    assert "bob" not in str(refused.value)
    assert untouched(made)


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "a copy of current"])
@pytest.mark.window(7)
def test_a_test_only_invocation(scenario, filled):
    """A test-only invocation verifies current: it succeeds or reports drift, and never resets."""
    made = scenario("self")
    token = made.begin()
    if filled:
        made.secret.put(token, made.secret.read("version-0").document, PENDING)

    assert made.step(Step.TEST, token).outcome == "current_verified"
    made.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))
    with pytest.raises(LoginRejected):
        made.step(Step.TEST, token)

    assert made.vendor.resets == 0
    assert isinstance(made.secret.read("version-0").document, SecretDocument)
    assert made.vendor.wrong_logins == 1
    assert issubclass(LoginRejected, RotationError)
