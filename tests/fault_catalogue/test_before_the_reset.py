"""W01 to W16: what a rotation meets before it does anything, and createSecret."""

import pytest
from botocore.exceptions import ClientError

from rotation.core.errors import (
    IdentityChanged,
    LoginRejected,
    PolicyError,
    RotationError,
    RotationNotEnabled,
    SecretDocumentError,
    StageError,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.doctor import Condition
from rotation.doctor.heal import heal
from rotation.policy import Charset, PasswordPolicy
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
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
    assert made.vendor.wrong_logins == 1


@pytest.mark.parametrize("store", ["memory", "aws", "vault"])
@pytest.mark.window(12)
def test_a_pending_version_without_a_value(store):
    """The empty version that the service makes before createSecret counts as one that is not there."""
    world = make(Line("lockstep", "self", store, 10))
    backend = world.algorithm.place
    assert PENDING in backend.state().versions[world.algorithm.token].stages
    assert backend.value(world.algorithm.token) is None

    world.invoke({})

    assert backend.value(world.algorithm.token) is not None


@pytest.mark.parametrize(
    ("error", "retryable"),
    [(StoreUnavailable("throttled"), True), (StoreDenied("no right"), False), (StoreError("too large"), False)],
    ids=["throttled", "denied", "size"],
)
@pytest.mark.window(13)
def test_the_store_refuses_the_put(scenario, error, retryable):
    """The error is typed and says whether a retry helps, and the vendor is not called."""
    made = scenario()
    made.fuse = Fuse(only="stage", at=1, edge=Edge.BEFORE, error=lambda _: error)

    with pytest.raises(StoreError) as refused:
        made.step(Step.CREATE, made.begin())

    assert refused.value.retryable is retryable
    assert {"set_password", "verify"}.isdisjoint(made.fuse.effects)


@pytest.mark.window(14)
def test_a_policy_that_no_password_can_satisfy():
    """An impossible policy is found when it is loaded, not in the middle of a rotation."""
    letters = Charset("lower", "abc", min_chars=1)

    with pytest.raises(PolicyError):
        PasswordPolicy(length=8, charsets=(letters, Charset("digit", "12", min_chars=9)))


@pytest.mark.window(15)
def test_create_does_not_ask_whether_current_works(scenario, heals):
    """Step createSecret logs in nowhere, so that a rotation that got half-way can be repeated from its first step."""
    made = scenario("self")
    made.run_to(Step.CREATE)
    assert "verify" not in made.fuse.effects

    heals("self", "set_password", "after.crash", "after.error", "after.timeout", wrong=0)


@pytest.mark.window(16)
def test_the_vendor_does_not_make_the_password(scenario):
    """The stored candidate is sent: a value that only the vendor's answer holds would be lost with the answer."""
    made = scenario()
    token = made.run_to(Step.SET)

    assert made.vendor.live == made.secret.read(token).document.password
    with pytest.raises(RotationError):
        made.step(Step.FINISH, made.begin())
