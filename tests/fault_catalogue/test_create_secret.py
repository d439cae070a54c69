"""W08 to W16: createSecret."""

import pytest

from rotation.core.errors import PolicyError, RotationError, StoreDenied, StoreError, StoreUnavailable
from rotation.core.values import Step
from rotation.policy import Charset, PasswordPolicy
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.worlds.setups import make

PUTS = {"memory": "stage", "aws": "PutSecretValue", "vault": "write matrix"}


@pytest.mark.parametrize("store", PUTS)
@pytest.mark.window(8)
def test_death_before_the_put(heals, store):
    """A death before the put leaves nothing behind, so the next attempt may draw a new candidate."""
    heals("self", PUTS[store], "before.crash", "before.timeout", "before.error", store=store)


@pytest.mark.parametrize("store", PUTS)
@pytest.mark.window(9)
def test_the_put_is_applied_and_its_answer_lost(heals, store):
    """The next attempt takes the stored candidate; a second one would be refused under this token."""
    heals("self", PUTS[store], "after.error", "after.crash", "after.slow", "after.duplicate", store=store)


@pytest.mark.parametrize("store", PUTS)
@pytest.mark.window(10)
def test_a_parallel_create_put_another_candidate(heals, store):
    """The candidate that is there is adopted, and never overwritten."""
    heals("self", PUTS[store], "before.parallel", store=store)


@pytest.mark.parametrize("store", ["memory", "aws"])
@pytest.mark.window(11)
def test_a_candidate_that_was_put_is_not_visible_yet(heals, store):
    """A read that misses the put is repeated, after a moment or at the next attempt."""
    heals("self", PUTS[store], "before.stale", store=store, later=1)


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
