"""The windows that a run heals by itself: faults at a named call, and the most resets and wrong logins after them."""

import pytest

from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES

EVERY = " ".join(MATRIX_CLASSES)
PUTS = {"memory": "stage", "aws": "PutSecretValue", "vault": "write matrix"}
READ_PUTS = {store: name for store, name in PUTS.items() if store != "vault"}
MOVES = {"memory": "move AWSCURRENT", "aws": "UpdateSecretVersionStage AWSCURRENT"}
INTENT, RESET = "attach lockstep:intent", "set_password"
MACHINE = ["stop", RESET, "start"]

HEALS = [
    # A death before the put leaves nothing behind, so the next attempt may draw a new candidate.
    (8, "self", PUTS, "before.crash before.timeout before.error", {}),
    # After a lost answer the next attempt takes the stored candidate; a second one would be refused under this token.
    (9, "self", PUTS, "after.error after.crash after.slow after.duplicate", {}),
    # The candidate that a parallel createSecret put is adopted, and never overwritten.
    (10, "self", PUTS, "before.parallel", {}),
    # A read that misses the put is repeated, after a moment or at the next attempt.
    (11, "self", READ_PUTS, "before.stale", {"later": 1}),
    # Without an intent mark nothing was sent, so there is no probe and one reset.
    (17, EVERY, [INTENT], "before.crash before.timeout", {}),
    # After a death between intent and reset at most one login is refused, and then the same candidate is sent.
    (18, EVERY, [INTENT], "after.crash after.timeout", {"wrong": 1}),
    (18, EVERY, [RESET], "before.crash", {"wrong": 1}),
    # Applied, and the answer lost: the candidate is live, and at most the same one is sent again.
    (19, "admin admin_late admin_vm admin_task", [RESET], "after.error after.crash after.wrong", {"resets": 2}),
    # Where the old password is needed, the candidate is found live by one login; there is no second change.
    (20, "self", dict.fromkeys(PUTS, RESET), "after.error after.crash after.timeout after.wrong", {}),
    # The engine finds out that nothing was applied before it sends anything again.
    (21, EVERY, [RESET], "before.error before.wrong", {"wrong": 1}),
    # A vendor that queued the request gets the same candidate twice at worst.
    (22, EVERY, [RESET], "after.slow", {"resets": 2, "wrong": 2}),
    # A proxy sends the reset twice: the refusal of the second delivery is no refusal of the first.
    (23, EVERY, [RESET], "after.duplicate", {"resets": 2, "wrong": 1}),
    # The machine always runs again in the end, as it was found.
    (31, "admin_vm", MACHINE, "before.crash after.crash after.timeout after.error", {"resets": 2, "wrong": 1}),
    # The task was not written down: the vendor is asked, and at worst the same candidate is sent again.
    (34, "admin_task", ["poll"], "before.crash before.timeout before.error", {"resets": 2}),
    # A login without an answer decides nothing, and nothing is sent again.
    (41, "admin admin_vm admin_task self", ["verify"], "before.error before.throttled after.error before.timeout", {}),
    # After a death before the move the next attempt moves the label and sends no second reset.
    (47, "self", MOVES, "before.crash before.timeout before.error before.lost", {}),
    # The move was applied and its answer lost: a token that is current already has succeeded.
    (48, "self", MOVES, "after.crash after.error after.slow after.duplicate", {}),
    # Labels are the truth about what was done; no record of events could say "in progress" wrongly.
    (49, "self", ["stage", INTENT, RESET, "verify", "move AWSCURRENT"], "before.parallel", {}),
    # When tidying fails after the commit, the next invocation tidies up; readers have the new value already.
    (52, "self", MOVES, "before.crash before.error after.error", {"later": 1}),
    (52, "self", MOVES, "before.crash before.error before.lost", {"later": 2}),
    # One of two invocations loses the lease and raises a retryable error; one reset reaches the vendor.
    *((55, "admin admin_task self", [INTENT], "before.parallel", {"later": later}) for later in range(6)),
    (55, "admin admin_task self", [RESET], "before.parallel", {}),
]
"""Window, drivers, the call (or its name in each store), the faults, and what of ``heals`` is not as usual."""


def cases():
    """Yield a case for each driver, call and store of each row."""
    for window, drivers, calls, faults, limits in HEALS:
        for driver in drivers.split():
            for store, call in calls.items() if isinstance(calls, dict) else [("memory", call) for call in calls]:
                case = (driver, call, faults.split(), {"store": store, **limits})
                yield pytest.param(*case, marks=pytest.mark.window(window), id=f"W{window:02}-{driver}-{store}-{call}")


@pytest.mark.parametrize(("driver", "call", "faults", "limits"), list(cases()))
def test_a_fault_heals(heals, driver, call, faults, limits):
    """The run ends in order at both spacings, every promise is kept, and the fault costs no more than its row says."""
    heals(driver, call, *faults, **limits)
