"""Check many secrets: does each one's stored password open its account? Several at a time, few of one vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from rotation.core.process import stop
from rotation.engine.run import check
from rotation.engine.session import Session
from rotation.stores.aws.fleet.fleet_secret import FleetSecret
from rotation.stores.aws.fleet.lanes import Lanes
from rotation.stores.aws.fleet.turn import Ended, Turn


def verifications(
    secrets: Iterable[FleetSecret], session_of: Callable[[str], Session], *, jobs: int, per_vendor: int
) -> Iterator[Turn]:
    """Check, and yield each turn when it has ended; begin none once the process is asked to stop.

    Each login is charged to the budget that rotations share, before it is tried, so that no check locks an account.

    Args:
        secrets: what is checked.
        session_of: opens a session for looking at a secret.
        jobs: how many are checked at a time.
        per_vendor: how many of one vendor.
    """
    lanes = Lanes(secrets, most=per_vendor)
    running: set[Future[Turn]] = set()
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="lockstep")
    try:
        while True:
            while len(running) < jobs and not stop.requested():
                secret = lanes.take()
                if secret is None:
                    break
                running.add(pool.submit(_check, secret, session_of))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                turn = each.result()
                lanes.give_back(turn.secret)
                yield turn
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        # Once halted, no call begins: a check that ends in this time has given its charge back.
        wait(running, timeout=stop.HALT_SECONDS if stop.halted() else None)


def _check(secret: FleetSecret, session_of: Callable[[str], Session]) -> Turn:
    checked = check(lambda: session_of(secret.arn))
    return Turn(secret=secret, ended=Ended(checked.ended), evidence=checked.evidence, error=checked.error)
