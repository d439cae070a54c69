"""What a clean rotation costs in calls and writes, exactly. A change of the protocol changes these tables."""

import pytest

from bench.calls import ACCOUNTS, Count, aws, kv, plugin_store_calls, template
from bench.figures import BOUNDS
from rotation.drivers.registry import load_driver
from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI, LINUX_VM, driver_of, every_account

AWS = {
    "admin": (Count((5, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    "self": (Count((4, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    BATCH: (Count((8, 23, 8, 9), (1, 6, 0, 1)), Count((6, 22, 8, 10), (1, 5, 0, 2))),
}
"""Calls, and the writes among them, of the four steps: of a first rotation and of each later one.

By who may change the password, whatever the product; a batch's by its key. The first one of a process also reads the
admin credential and the seal's key.
"""
KV = {
    "admin": Count((4, 4, 0, 4), (1, 2, 0, 1)),
    "self": Count((4, 4, 0, 4), (1, 2, 0, 1)),
    BATCH: Count((10, 33, 12, 12), (1, 5, 0, 1)),
}
"""Round trips, and the journal's writes among them, of the four steps of a later rotation.

The first one of a job also reads the admin credential.
"""
TURNS = ("first", "later")
PUBLISHED = {key for key, _ in ACCOUNTS.values()}
EVERY = [
    pytest.param(key, marks=[] if key in PUBLISHED else [pytest.mark.long])  # the same by more products
    for key in every_account()
]


def kind(key):
    """Return what an account's cost goes by."""
    return BATCH if key == BATCH else load_driver(driver_of(key)).authority.value


@pytest.mark.parametrize("key", EVERY)
def test_a_rotation_over_secrets_manager_costs_exactly_this(key):
    """Every call of the handler counts, those for the admin credential included."""
    assert aws(key) == AWS[kind(key)]


@pytest.mark.parametrize("key", [LINUX_VM, HUAWEI, pytest.param(BATCH, marks=pytest.mark.long)])
def test_bindings_and_seals_cost_no_write(key):
    """Without both, each step makes the same writes as with them, in ``AWS``; only the key is read, once."""
    without = aws(key, LOCKSTEP_BINDING="off", LOCKSTEP_SEAL_SECRET="off")
    assert [each.writes for each in without] == [each.writes for each in AWS[kind(key)]]
    assert [each.calls[1:] for each in without] == [each.calls[1:] for each in AWS[kind(key)]]


@pytest.mark.parametrize("key", EVERY)
def test_a_rotation_over_kv_costs_exactly_this(key):
    """Every verb of the mount is one request."""
    first, later = kv(key)
    (create, *others), admin = KV[kind(key)].calls, int(kind(key) != "self")
    assert first == Count((create + admin, *others), later.writes)
    assert later == KV[kind(key)]


def test_the_published_figures_have_an_account_of_each_kind():
    """The accounts of the published table cost what every account of their kind costs."""
    assert {kind(key) for key in PUBLISHED} == set(AWS)


def test_the_stand_in_of_aws_template_makes_14_calls_and_2_writes():
    """It makes the calls that the template's source makes, step by step."""
    count = Count((5, 4, 2, 3), (1, 0, 0, 1))
    assert template() == (count, count)


def test_the_plugin_calls_no_store():
    """Vault keeps the candidate and the password; the plug-in has nowhere else to write."""
    assert plugin_store_calls() == 0


def test_these_counts_keep_the_bounds_of_the_bench():
    """A changed count that exceeds what ``make bench`` demands fails here, too, and not only there."""
    kinds = {part: kind(key) for part, (key, _) in ACCOUNTS.items()}
    counts = {f"aws/{part}/{turn}": AWS[kinds[part]][number] for part in kinds for number, turn in enumerate(TURNS)}
    counts |= {f"kv/{part}/every": KV[kinds[part]] for part in kinds}
    figures = {f"{name}/{each}": sum(count.calls) for name, count in counts.items() for each in ("calls", "trips")}
    figures |= {f"{name}/{each}": sum(count.writes) for name, count in counts.items() for each in ("writes", "journal")}
    bounded = {key for key in figures if key in BOUNDS}
    assert len(bounded) == 4 * 5 + 2 + 2 * 5
    assert [key for key in sorted(bounded) if not BOUNDS[key].holds(figures[key])] == []
