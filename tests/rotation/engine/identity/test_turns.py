"""Two accounts that take turns: whose turn it is, what is refused, and that readers never hold a dead password."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument, turned
from rotation.core.errors import IdentityChanged, OutcomeUnknown, RotationError, SecretDocumentError, SettingsError
from rotation.core.values import Authority, Evidence, Step
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.registry import driver_codes, load_driver
from rotation.engine.identity.turns import require
from rotation.engine.run import verify
from rotation.state.binding import Binding, BindingMode
from rotation.state.stages import PREVIOUS
from rotation_testkit.fault_lab.in_memory.batch_scenario import KEY, make_batch
from rotation_testkit.fault_lab.in_memory.bind import memory_binding
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import make_pair, make_scenario

DAY = 86_400.0
USERS = {
    "driver": "volcengine_cloudidentity",
    "username": "app-a",
    "user_id": "u-1",
    "password": "a1",
    "alternate_username": "app-b",
    "alternate_user_id": "u-2",
}


def current(pair: Scenario) -> SecretDocument:
    """Return what readers get."""
    value = pair.secret.read(str(pair.secret.describe().current_id))
    assert value is not None
    return value.document


def opens(pair: Scenario, document: SecretDocument) -> bool:
    """Return whether a document's password opens the account that it names."""
    vendors = {each.username: each for each in (pair.other, pair.vendor) if each is not None}
    return vendors[document.text("username")].live == document.password


def counts(pair: Scenario) -> list[tuple[int, int]]:
    """Return the resets and wrong logins of both accounts."""
    return [(each.resets, each.wrong_logins) for each in (pair.other, pair.vendor) if each is not None]


@pytest.mark.parametrize("oracle", [True, False])
def test_each_rotation_resets_the_account_that_readers_do_not_have(*, oracle: bool) -> None:
    """Readers get the one account and the other in turn; the former value opens its account until its next turn."""
    pair = make_pair(oracle=oracle)
    for number, (first, other) in enumerate([("bob", "alice"), ("alice", "bob"), ("bob", "alice")]):
        former = current(pair)
        assert pair.rotate(pair.begin()) == []
        document = current(pair)
        assert (document["username"], document["alternate_username"], document["note"]) == (first, other, "kept")
        assert opens(pair, document)
        assert opens(pair, former)
        assert pair.password(PREVIOUS) == former.password
        assert counts(pair) == [((number + 1) // 2, 0), (number // 2 + 1, 0)]
        pair.clock.sleep(DAY)


@pytest.mark.parametrize("edge", list(Edge))
def test_readers_keep_a_live_password_while_the_outcome_of_a_reset_is_unknown(edge: Edge) -> None:
    """No error says that readers hold a dead password, and the retry proves the same candidate."""
    pair = make_pair()
    token = pair.created()
    lost = pair.reset_ends_with(token, OutcomeUnknown("lost"), edge)
    assert (lost.dead_since, "readers" in lost.message) == (None, False)
    assert opens(pair, current(pair))
    pair.clock.sleep(600)
    assert pair.rotate(token) == []
    assert opens(pair, current(pair))
    assert counts(pair)[0] == (0, 0)
    stale = pair.begin()
    pair.strip_pending(stale)
    with pytest.raises(RotationError) as refused:
        pair.step(Step.SET, stale)
    assert refused.value.dead_since is None


def test_a_check_is_about_the_account_that_current_names() -> None:
    """Before and after a switch, the current password is tried at its own account and never at the other one."""
    pair = make_pair()
    assert verify(pair.session()).evidence is Evidence.LOGIN
    token = pair.created()
    assert pair.step(Step.TEST, token).outcome == "current_verified"
    assert pair.rotate(token) == []
    assert verify(pair.session()).evidence is Evidence.LOGIN
    assert counts(pair) == [(0, 0), (1, 0)]


@pytest.mark.parametrize("step", [Step.SET, Step.FINISH])
def test_a_reset_never_goes_to_the_account_that_has_become_current(step: Step) -> None:
    """An operator makes the former value current while its account's turn is on: nothing is sent or committed."""
    pair = make_pair()
    assert pair.rotate(pair.begin()) == []
    token = pair.run_to(Step.CREATE if step is Step.SET else Step.TEST)
    resets = counts(pair)
    pair.put_by_hand(username="alice", alternate_username="bob", password=pair.other.live.reveal())
    with pytest.raises(IdentityChanged, match="current and candidate differ in username"):
        pair.step(step, token)
    assert counts(pair) == resets


@pytest.mark.parametrize(
    "changes", [{"alternate_username": "mallory"}, {"username": "bob", "alternate_username": "mallory"}]
)
def test_who_writes_the_value_cannot_choose_the_other_account(changes: dict[str, str]) -> None:
    """The binding names both accounts, whichever is current; a third one is refused before the vendor hears of it."""
    pair = make_pair()
    pair.binding = BindingMode.REQUIRED
    pair.secret.binding = memory_binding(current(pair))
    for _ in range(2):
        assert pair.rotate(pair.begin()) == []
        pair.clock.sleep(DAY)
    before = counts(pair)
    pair.put_by_hand(**changes)
    assert set(pair.rotate(pair.begin(), attempts=2)) == {"binding_mismatch", "gave up"}
    assert counts(pair) == before


@pytest.mark.parametrize("name", ["username", "alternate_username"])
def test_a_candidate_of_another_account_or_with_another_alternate_is_refused(name: str) -> None:
    """Compared are the account that would be reset, and the one that would have the next turn."""
    pair = make_pair().unguarded()
    token = pair.created()
    staged = pair.secret.read(token)
    assert staged is not None
    pair.secret.put(token, staged.document.replaced(**{name: "mallory"}))
    with pytest.raises(IdentityChanged, match="username"):
        pair.step(Step.SET, token)
    assert counts(pair) == [(0, 0), (0, 0)]


def test_the_binding_is_the_same_whichever_account_is_current() -> None:
    """It is another one than that of either account alone."""
    first = current(make_pair())
    alone = SecretDocument({name: value for name, value in first.items() if name != "alternate_username"})
    assert memory_binding(first) == memory_binding(turned(first))
    assert Binding.parse(memory_binding(first)).account != Binding.parse(memory_binding(alone)).account


def test_an_account_that_changes_its_own_password_takes_no_turns() -> None:
    """A driver that needs the old password cannot reset an account whose password no value may hold."""
    alone = make_scenario("self")
    alone.put_by_hand(alternate_username="bob")
    assert set(alone.rotate(alone.begin(), attempts=1)) == {"settings_error", "gave up"}
    assert alone.vendor.resets == 0


@pytest.mark.parametrize("shared", [True, False])
def test_accounts_of_a_batch_take_no_turns(*, shared: bool) -> None:
    """Neither an entry nor what they share may name a second account; nothing is asked at the vendor."""
    batch, other = make_batch(2).unguarded(), {"alternate_username": "bob"}
    entries = [{"username": each.username, "password": each.live.reveal()} for each in batch.vendors]
    batch.put(batch.vendors, **(other if shared else {KEY: [entries[0], {**entries[1], **other}]}))
    with pytest.raises(SecretDocumentError, match="in a batch none takes turns"):
        batch.created()
    assert batch.counts() == [(0, 0), (0, 0)]


def test_drivers_that_reset_a_second_account_say_so_and_no_others() -> None:
    """Turns are refused for a driver that needs the old password, or whose accounts share a machine or a count."""
    spec = load_driver("volcengine_cloudidentity")
    require(spec, SecretDocument(USERS))
    others = {code: load_driver(code) for code in driver_codes() if not load_driver(code).alternates}
    assert others.keys() >= {"huawei_meeting", "ucloud_compshare", "tencent_bm", "tencent_cvm", "redfish_bmc"}
    for code, other in others.items():
        with pytest.raises(SettingsError, match=f"not possible with {code}") as refused:
            require(other, SecretDocument({**USERS, "driver": code}))
        assert not refused.value.retryable
        assert "rotated in place" in refused.value.hint
    for wrong in (
        replace(spec, alternates=frozenset()),
        replace(spec, alternates=frozenset(), authority=Authority.SELF, admin_resets=True),
        replace(spec, authority=Authority.SELF),
    ):
        with pytest.raises(SettingsError, match="record") as refused:
            require(wrong, SecretDocument(USERS))
        assert "ADMIN_SECRET" not in refused.value.hint


def test_a_driver_of_two_ways_takes_turns_with_a_key_only() -> None:
    """A user's own change needs the old password; the error names the setting of the key."""
    spec = load_driver("huawei_iam_user")
    document = SecretDocument({**USERS, "driver": spec.code})
    require(replace(spec, authority=Authority.ADMIN), document)
    with pytest.raises(SettingsError, match="unless the deployment has an API key") as refused:
        require(spec, document)
    assert "LOCKSTEP_HUAWEI_IAM_USER_ADMIN_SECRET" in refused.value.hint


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"alternate_user_id": None}, ["user_id and alternate_user_id must both be there, or neither"]),
        ({"alternate_username": None}, ["alternate_user_id needs alternate_username"]),
        ({"alternate_username": "APP-A"}, ["alternate_username must differ from username"]),
        ({"alternate_user_id": "u-1"}, ["alternate_user_id must differ from user_id"]),
        ({"alternate_password": "b1"}, ["alternate_password is not used; take it out"]),
        ({"alternate_driver": "x", "alternate_user_id": "u-1"}, ["alternate_driver is not", "alternate_user_id must"]),
        ({"mail": "a@example.com", "alternate_mail": "b@example.com"}, []),
        ({"alternate_username": None, "alternate_user_id": None, "alternate_mail": "b@example.com"}, []),
    ],
)
def test_every_fault_of_the_second_account_is_listed(changes: dict[str, str | None], faults: list[str]) -> None:
    """A document's own keys may be there twice, too; a fault is named by its key, and no value is shown."""
    document = {key: value for key, value in {**USERS, **changes}.items() if value is not None}
    spec = load_driver("volcengine_cloudidentity")
    if not faults:
        require(spec, SecretDocument(document))
        return
    with pytest.raises(SettingsError) as refused:
        require(spec, SecretDocument(document))
    assert len(refused.value.faults) == len(faults)
    assert all(found.startswith(fault) for found, fault in zip(refused.value.faults, faults, strict=True))


def test_both_accounts_share_every_key_but_those_of_the_driver() -> None:
    """A second address or host key would lead readers to another target."""
    spec = replace(load_driver("tencent_bm"), alternates=frozenset({"username"}))
    own = {"driver": "tencent_bm", "username": "root", "instance_id": "cpm-1", "region": "ap-beijing", "password": "x"}
    document = SecretDocument({**own, "alternate_username": "admin", "alternate_instance_id": "cpm-2"})
    with pytest.raises(SettingsError, match="alternate_instance_id is not possible: both accounts share instance_id"):
        require(spec, document)


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ("no id!", "the alternate account's user_id must have 1 to 64 letters, digits, dots, dashes or _"),
        ("u-2\n", "the alternate account's 'user_id' begins or ends with a blank or a line end"),
    ],
)
def test_a_malformed_key_of_the_second_account_is_said_to_be_its(other: str, fault: str) -> None:
    """The second account's keys are checked as the first one's are, and the error says whose they are."""

    def fetch(name: str) -> SecretDocument:
        raise LookupError(name)

    deployment = Deployment(drivers=("volcengine_cloudidentity",))
    binder = Binder(deployment=deployment, fetch=fetch, clock=SystemClock(), time_left=lambda: 60.0)
    assert binder.name(SecretDocument(USERS)).other is not None
    with pytest.raises(SettingsError) as refused:
        binder.name(SecretDocument({**USERS, "alternate_user_id": other}))
    assert refused.value.faults == (fault,)
