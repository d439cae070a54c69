"""Two stores, one proved value: a crash anywhere leaves what the next look at both repairs (W53)."""

from itertools import count
from unittest.mock import Mock

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, LoginRejected, StageConflict, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Verdict
from rotation.state import marks
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.mirror import MirroredStore, MirrorState, bring_forward, current, reconcile

OLD = SecretDocument({"password": "old", "n": 12345678901234567890123})
NEW = SecretDocument({"n": 1.0, "password": "new"})
TOKEN = "t" * 36
EFFECTS = ("describe", "read", "stage", "promote", "settle", "release", "create", "replace")


def same(one, other):
    """Take both documents for one account's: these have no driver, and only tests of the job compare accounts."""
    assert isinstance(one, SecretDocument)
    assert isinstance(other, SecretDocument)


class Two:
    """A source in the model and a mirror in memory, or the other way round."""

    def __init__(self, *, turned_round):
        self.clock = VirtualClock()
        self.kv = Kv2(now=self.clock.now)
        self.secret = MemorySecret(now=self.clock.now)
        self.kv.write("app", OLD, cas=0)
        self.secret.put("aws-1", OLD, "AWSCURRENT")
        here, there = VaultKv(self.kv, "app", clock=self.clock), MemoryStore(self.secret)
        self.source, self.target = (there, here) if turned_round else (here, there)

    def rotate(self, document=NEW, token=TOKEN):
        """Give the source alone a proved value."""
        self.source.stage(token, document)
        self.source.prove(token, Evidence.LOGIN)
        self.source.promote(token, current_id=self.source.describe().current_id)

    @property
    def passwords(self):
        """Return the passwords that readers of the source and of the mirror get."""
        return current(self.source).password.reveal(), current(self.target).password.reveal()


@pytest.fixture(params=[False, True], ids=["kv to aws", "aws to kv"])
def make(request):
    """Return a function that makes two stores that hold the same value."""
    return lambda: Two(turned_round=request.param)


@pytest.fixture
def two(make):
    """Return two stores that hold the same value."""
    return make()


NOBODY = Mock(side_effect=AssertionError("a login was tried"))


def only(password):
    """Accept one password alone."""
    return lambda document: Verdict.ACCEPTED if document.password == Secret(password) else Verdict.REJECTED


def test_settling_brings_the_mirror_forward(two):
    """Settling writes the mirror and then settles the source; a repetition changes nothing."""
    store = MirroredStore(two.source, two.target)
    two.rotate()
    assert two.passwords == ("new", "old")
    for _ in range(2):
        store.settle(TOKEN)
        assert two.passwords == ("new", "new")
    for each in (two.source.describe(), two.target.describe()):
        assert each.holder("AWSPENDING") in (None, each.current_id)


def test_what_is_the_same_is_not_written(two):
    """The order of keys and the spelling of numbers make no difference."""
    before = two.target.describe().current_id
    assert not bring_forward(two.source, two.target)
    assert two.target.describe().current_id == before


def test_a_mirror_that_cannot_be_reached_fails_the_step(two):
    """The step fails before the source is settled, so its repetition does the rest."""
    two.rotate()
    fuse = Fuse(1, Edge.BEFORE, error=lambda _: StoreUnavailable("down"))
    with pytest.raises(StoreUnavailable):
        MirroredStore(two.source, fuse.wrap(two.target, EFFECTS)).settle(TOKEN)
    assert two.source.describe().holder("AWSPENDING") == TOKEN
    MirroredStore(two.source, two.target).settle(TOKEN)
    assert two.passwords == ("new", "new")


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.window(53)
def test_a_death_at_any_effect_is_repaired_by_the_next_look(make, edge):
    """A death at any call to either store is repaired by the repeated step or by a comparison."""
    for number in count(1):
        made = make()
        made.rotate()
        fuse = Fuse(number, edge)
        try:
            MirroredStore(fuse.wrap(made.source, EFFECTS), fuse.wrap(made.target, EFFECTS)).settle(TOKEN)
        except Crash:
            assert reconcile(made.source, made.target, NOBODY, same=same) in {MirrorState.BEHIND, MirrorState.IN_STEP}
            MirroredStore(made.source, made.target).settle(TOKEN)
            assert made.passwords == ("new", "new")
            for store in (made.source, made.target):
                assert store.describe().holder("AWSPENDING") in (None, store.describe().current_id)
        else:
            break
    assert number > 6


def test_a_late_writer_never_puts_an_old_value_over_a_newer_one(make):
    """Whatever happens between the read and the write, both stores end with the newer value."""
    for number in count(1):
        made = make()
        made.rotate()

        def meanwhile(_, made=made):
            made.source.settle(TOKEN)
            made.rotate(NEW.replaced(password="newest"), "u" * 36)
            MirroredStore(made.source, made.target).settle("u" * 36)

        fuse = Fuse(number, Edge.AFTER, error=meanwhile)
        try:
            bring_forward(fuse.wrap(made.source, EFFECTS), fuse.wrap(made.target, EFFECTS))
        except StageConflict:
            assert fuse.blown
        if not fuse.blown:
            break
        bring_forward(made.source, made.target)
        assert made.passwords == ("newest", "newest"), number
    assert number > 5


def test_a_mirror_that_is_behind_is_brought_forward(two):
    """The mirror holds the source's previous value, so no login is needed."""
    two.rotate()
    two.source.settle(TOKEN)
    assert reconcile(two.source, two.target, NOBODY, same=same) is MirrorState.BEHIND
    assert two.passwords == ("new", "new")
    assert reconcile(two.source, two.target, NOBODY, same=same) is MirrorState.IN_STEP


def test_a_mirror_that_is_not_there_is_made():
    """A missing mirror is created in KV; in AWS the operator creates it, since it needs a key and a policy."""
    made = Two(turned_round=True)
    made.kv.remove("app")
    assert reconcile(made.source, made.target, NOBODY, same=same) is MirrorState.CREATED
    assert made.passwords == ("old", "old")


@pytest.mark.parametrize(("live", "found"), [("old", MirrorState.OVERWRITTEN), ("foreign", MirrorState.ADOPTED)])
def test_of_two_values_that_differ_both_stores_get_the_live_one(two, live, found):
    """A value that somebody wrote by hand is overwritten if it opens nothing, and adopted if it is live."""
    foreign(two)
    assert reconcile(two.source, two.target, only(live), same=same) is found
    assert two.passwords == (live, live)


def test_nothing_is_written_when_neither_is_live_or_no_login_can_tell(two):
    """A human must decide then; force takes the source's value."""
    foreign(two)

    cannot = Mock(side_effect=CannotVerify("no login can tell"))
    with pytest.raises(LoginRejected):
        reconcile(two.source, two.target, only("other"), same=same)
    with pytest.raises(CannotVerify):
        reconcile(two.source, two.target, cannot, same=same)
    assert two.passwords == ("old", "foreign")
    assert reconcile(two.source, two.target, cannot, force=True, same=same) is MirrorState.OVERWRITTEN


def foreign(two):
    """Put a value into the mirror that the source never had."""
    document = OLD.replaced(password="foreign")
    two.target.stage("f" * 36, document)
    two.target.promote("f" * 36, current_id=two.target.describe().current_id)
    two.target.settle("f" * 36)


def test_what_a_crash_left_in_the_mirror_is_settled_before_a_newer_value(two):
    """A promotion of the mirror that was not settled is settled before the next write."""
    two.target.stage("m" * 36, OLD.replaced(password="left"))
    two.target.promote("m" * 36, current_id=two.target.describe().current_id)
    two.rotate()
    assert bring_forward(two.source, two.target)
    assert two.passwords == ("new", "new")
    assert two.target.describe().holder("AWSPENDING") in (None, two.target.describe().current_id)


def test_a_rotation_underway_is_left_alone(two):
    """A rotation in progress writes the mirror itself when its value is proved."""
    two.source.stage(TOKEN, NEW)
    two.source.mark(TOKEN, marks.intent(two.clock.now()))
    assert reconcile(two.source, two.target, NOBODY, same=same) is MirrorState.IN_PROGRESS


def test_a_mirror_that_rotates_by_itself_is_not_written(two):
    """Two rotations of one account would undo each other, so the mirror is not written."""
    two.target.stage("m" * 36, OLD.replaced(password="its own"))
    two.target.mark("m" * 36, marks.intent(two.clock.now()))
    two.rotate()
    with pytest.raises(StageConflict, match="rotates by itself"):
        bring_forward(two.source, two.target)


def test_other_keys_follow_the_source(two):
    """The mirror gets the whole document of the source, not the password alone."""
    two.rotate(SecretDocument({"password": "new", "host": "b"}))
    assert bring_forward(two.source, two.target)
    assert current(two.target) == current(two.source)
    assert not bring_forward(two.source, two.target)
