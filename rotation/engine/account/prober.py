"""Finds out whether a reset was applied: by a login with a stored password, or by the vendor's task."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import CannotVerify, DriverError, Parked
from rotation.core.secret import Secret
from rotation.core.values import Task, TaskState, Verdict
from rotation.drivers.guarded import BY_STATE, RESERVE_SECONDS
from rotation.engine.account.attempt import Attempt
from rotation.engine.tables.reconciliation import TASK_FINDINGS, Finding, Oracle, Stored


def probe(attempt: Attempt, which: Stored) -> None:
    """Log in with a stored password, and note what was found."""
    attempt.session.let_it_apply(attempt.version, attempt.bound)
    password = attempt.password(which)
    finding = Finding.ABSENT
    if password is not None:
        finding = _ask(attempt, password)
        if finding in (Finding.ACCEPTED, Finding.REJECTED):
            attempt.remember(which, finding)
        attempt.state = attempt.session.store.describe()
    if finding is Finding.UNKNOWN and isinstance(attempt.unclear, CannotVerify) and not attempt.must_log_in:
        # No login is possible and less proof is enough: send again until the vendor definitively accepts.
        attempt.facts = replace(attempt.facts, oracle=Oracle.NONE)
        return
    attempt.facts = attempt.facts.learned(which, finding)


def _ask(attempt: Attempt, password: Secret) -> Finding:
    try:
        verdict = attempt.budget.log_in(password, attempt.state)
    except Parked as locked:
        attempt.unclear = locked
        return Finding.LOCKED
    except DriverError as unclear:
        attempt.unclear = unclear
        return Finding.UNKNOWN
    return Finding.ACCEPTED if verdict is Verdict.ACCEPTED else Finding.REJECTED


def follow(attempt: Attempt, task: Task) -> None:
    """Poll until the task ends or the time runs out, and note what was found.

    If the task still runs when this run ends, it is written down for the next run.
    """
    pause = attempt.bound.spec.poll_seconds
    attempt.session.memory.task = task.id
    early = task == BY_STATE and attempt.session.memory.sends > 0  # the target may still show its state of before
    while True:
        state = TaskState.RUNNING if early else attempt.bound.poll(task).state
        early = False
        if state is not TaskState.RUNNING:
            attempt.session.memory.task = None
        attempt.facts = replace(attempt.facts, task=TASK_FINDINGS[state])
        if state is not TaskState.RUNNING or attempt.session.time_left() < pause + RESERVE_SECONDS:
            return
        attempt.session.clock.sleep(pause)
