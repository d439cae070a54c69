"""What humans do to a secret between two steps: proof that is out of date, versions that are not about the account."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import LoginRejected, Parked
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Power, Step
from rotation.state.stages import CURRENT, PENDING

HIS = "Human0Password0Human"
FOREIGN = "Bobs0Password0000Bob"
HELD = "held-0000000000000000000000000000000"


def put_by_hand(scenario, **changes):
    """Set a password at the console and put it into the secret, where the store leaves a pending version alone."""
    pending = scenario.secret.describe().holder(PENDING)
    scenario.vendor.set_by_hand(Secret(HIS))
    document = scenario.secret.read(scenario.secret.describe().current_id).document
    scenario.secret.put("by-hand-0000000000000000000000000000", document.replaced(password=HIS, **changes), CURRENT)
    scenario.secret.attach(PENDING, pending)


@pytest.mark.parametrize(("oracle", "minimum"), [(True, Evidence.LOGIN), (False, Evidence.ACCEPTED)])
def test_what_was_proved_before_somebody_put_a_password_is_not_promoted(world, oracle, minimum):
    """The next attempt sends, or proves, the candidate anew: readers never get a dead password."""
    scenario = world("admin", oracle=oracle)
    scenario.minimum = minimum
    token = scenario.begin()
    for step in (Step.CREATE, Step.SET, Step.TEST):
        scenario.step(step, token)
    scenario.clock.sleep(7200)
    put_by_hand(scenario)

    failures = scenario.rotate(token)

    assert failures == []
    assert scenario.password() == scenario.vendor.live != Secret(HIS)
    assert scenario.vendor.resets == 2


def test_a_late_finish_alone_promotes_nothing_that_was_proved_before(world):
    """Without the steps before it, finishSecret asks again, and is told the truth."""
    scenario = world("admin")
    token = scenario.begin()
    for step in (Step.CREATE, Step.SET, Step.TEST):
        scenario.step(step, token)
    scenario.clock.sleep(3 * 86_400)
    put_by_hand(scenario)

    with pytest.raises(LoginRejected):
        scenario.step(Step.FINISH, token)

    assert scenario.password() == scenario.vendor.live


def test_a_proof_in_the_same_second_as_current_stands(world):
    """A rotation right after another is a clean one."""
    scenario = world("admin")
    assert [scenario.rotate(scenario.begin()) for _ in range(2)] == [[], []]
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (2, 0)


def hold(scenario, text, *stages):
    """Keep any text under labels, as people do."""
    scenario.secret.put(HELD, None, *stages)
    scenario.secret._versions[HELD].text = Secret(text)
    scenario.secret._versions[HELD].created = scenario.clock.now()


def test_a_version_that_is_no_account_document_stops_no_rotation(world):
    """A labelled copy of something else is not read for the machine's state."""
    scenario = world("machine")
    scenario.vendor.power = Power.STOPPED
    scenario.minimum = Evidence.ACCEPTED
    hold(scenario, "plain text", "before-migration")

    assert scenario.rotate(scenario.begin()) == []


@pytest.mark.parametrize(
    "text",
    ["plain text", SecretDocument({"driver": "memory", "username": "bob", "password": FOREIGN}).dump().reveal()],
    ids=["no document", "another account"],
)
def test_the_previous_value_is_tried_only_if_it_is_of_this_account(world, text):
    """Another account's password would be a wrong login, or worse, a right one."""
    scenario = world("self", min_age_seconds=0)
    hold(scenario, text, "AWSPREVIOUS")
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.vendor.set_by_hand(Secret(FOREIGN))

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)

    assert parked.value.reason == "external_change"
    assert scenario.vendor.live == Secret(FOREIGN)


@pytest.mark.parametrize(("days", "afterwards"), [(1, Power.RUNNING), (30, Power.STOPPED)])
def test_a_machine_that_is_long_off_after_a_rotation_was_given_up_stays_off(world, days, afterwards):
    """Soon after, it was the rotation that stopped it; a month later it is its owner's wish."""
    scenario = world("machine")
    scenario.minimum = Evidence.ACCEPTED
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.secret.attach("lockstep:intent:1700000000@abandoned", token)
    scenario.secret.detach(PENDING, token)
    scenario.vendor.power = Power.STOPPED
    scenario.clock.sleep(days * 86_400)

    assert scenario.rotate(scenario.begin()) == []

    scenario.clock.sleep(60)
    assert scenario.vendor.power is afterwards
