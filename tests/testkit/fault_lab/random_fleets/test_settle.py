"""What random fleets found in the engine, each as the shortest script that showed it: played to the end, it heals."""

import pytest

from rotation_testkit.fault_lab.random_fleets.play.settle import settle
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, play

FOUND = {
    # The candidate was asked about again in every window, and nothing was left of the budget for current.
    "a budget of one": (
        ["self-strict"],
        [{"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "crash"}]}],
    ),
    # Every "yes" was written down once more, until the secret had no label left for the next intent.
    "a vendor that says yes and does nothing": (
        ["readback"],
        [{"do": "fail-tasks", "yes": True}, *[{"do": "attempt"}, {"do": "wait", "seconds": 600}] * 24],
    ),
    # The engine looked for the labels of a version that had none left, and raised what is no error of ours.
    "labels that are taken away under the engine": (
        ["admin-late"],
        [
            {"do": "attempt", "faults": [{"at": at, "kind": "event", "do": {"do": "strip", "what": "all", "back": 0}}]}
            for at in range(15, 22)
        ],
    ),
    # Each took away what the other had just written, since it had seen a label like that before: the intent was lost.
    "two runs that write about one account of a batch": (
        ["batch-task"],
        [
            {"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "crash-after"}]},
            {"do": "wait", "seconds": 300},
            *[
                {
                    "do": "parallel",
                    "runs": [{"do": "step", "step": "finishSecret", "back": 1}, {"do": "attempt"}],
                    "turns": turns,
                }
                for turns in (718682, *range(12))
            ],
        ],
    ),
    # The vendor's yes was proof enough to promote, and nobody came by again to start the machine.
    "a finishSecret out of turn while the machine is off": (
        ["machine-accepted"],
        [
            {"do": "attempt", "faults": [{"at": 26, "kind": "crash"}]},
            {"do": "step", "step": "finishSecret", "back": 2},
        ],
    ),
    # The earlier reset arrived between the login that failed and the next reset, which the vendor refused as reused.
    "a slow reset that arrives after the next run asked": (
        ["admin-lockout"],
        [
            {"do": "attempt", "faults": [{"at": "read", "nth": 2, "kind": "stale"}]},
            {"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "slow", "seconds": 30}]},
        ],
    ),
    # The promotion was lost, the candidate's label too; what had been sent in the same second counted as sent before.
    "a late finishSecret of the rotation before": (
        ["readback"],
        [
            {"do": "attempt"},
            {"do": "attempt", "faults": [{"at": "move", "nth": 2, "kind": "unknown"}]},
            {"do": "strip", "what": "pending"},
            {"do": "step", "step": "finishSecret", "back": 3},
        ],
    ),
    # No fault of the engine: what a right login was charged could not be taken back, and the only try counts as spent.
    "a test-only event after a lost refund": (
        ["admin-lockout"],
        [
            {"do": "attempt", "faults": [{"at": 23, "kind": "lost"}]},
            {"do": "attempt", "faults": [{"at": 25, "kind": "unknown"}]},
            {"do": "test-only"},
        ],
    ),
    # Half a batch was proved when an operator made it current; the rest's live password stood on an older version.
    "a half proved batch that an operator made current": (
        ["batch"],
        [
            {"do": "attempt"},
            {"do": "restore", "back": 1},
            {"do": "attempt", "faults": [{"at": "attach", "nth": 3, "kind": "unknown"}]},
            {"do": "restore", "back": 3},
        ],
    ),
    # Every label was in use: the notes about wrong logins found no room before what they stand for had gone.
    "a promotion after four rotations that were cancelled": (
        ["self-late"],
        [
            {"do": "attempt"},
            {"do": "attempt", "faults": [{"at": "verify", "nth": 1, "kind": "lie"}]},
            {"do": "wait", "seconds": 3600},
            {"do": "twin", "account": 2},
            {"do": "cancel", "strip": True},
            {"do": "attempt"},
            {"do": "cancel", "strip": True},
        ],
    ),
    # A vendor that refuses former passwords refused the live candidate after a lying login check.
    "a live candidate that was taken for dead": (
        ["admin-lockout"],
        [
            {"do": "attempt", "faults": [{"at": 22, "kind": "crash-after"}]},
            {"do": "attempt", "faults": [{"at": "verify", "nth": 1, "kind": "lie"}]},
        ],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_heals(name):
    """Played to the end, every invariant holds."""
    kinds, actions = FOUND[name]
    assert play(Script(kinds, actions)) is None


def test_a_yes_that_did_nothing_is_sent_again_without_a_human(only):
    """The vendor shows another password, so its yes is no proof; the same token ends well."""
    fleet, member = only("readback")
    fleet.apply({"do": "fail-tasks", "yes": True})
    assert fleet.apply({"do": "attempt"}) == "login_rejected"
    fleet.apply({"do": "fail-tasks", "yes": False})
    fleet.apply({"do": "wait", "seconds": 600})
    assert fleet.apply({"do": "attempt"}) == "done"
    assert member.tokens == member.tokens[:1]


def test_a_budget_of_one_asks_about_another_password_in_each_window(only):
    """The candidate in the first, current in the second, which is live: then the reset goes out."""
    fleet, member = only("self-strict")
    outcomes = [fleet.apply({"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "crash"}]})]
    while outcomes[-1] != "done":
        fleet.apply({"do": "wait", "seconds": 1000})
        outcomes.append(fleet.apply({"do": "attempt"}))
        assert len(outcomes) < 6, outcomes
    assert len(member.monitor.wrong) == 1
    settle(fleet)
