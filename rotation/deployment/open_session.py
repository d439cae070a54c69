"""Opens the session that one run works in, for each face of the product: function, command line, job, plug-in.

A session needs a store, a binder, and a name of its own under which it takes the secret's lease. For example::

    binder = Binder(deployment=…, fetch=…, clock=clock, time_left=countdown(120.0, clock.now))
    session = open_session(store, binder, token="…")
    steps.run(session, Step.SET)
    binder.driver  # names the driver that was used, for the log line
"""

from __future__ import annotations

import os
from collections.abc import Callable

from rotation.core.process import stop
from rotation.deployment.binder import Binder
from rotation.engine.session import Bind, Session
from rotation.state.store import Store


def open_session(
    store: Store, binder: Binder, *, token: str = "", bind: Bind | None = None, ordered: bool = False
) -> Session:
    """Return a session with a holder name that no other run has. Its clock and its time are the binder's.

    A session without a token only looks. ``bind`` takes the binder's place where a face narrows what the binder
    returns, and ``ordered`` says that a human asked for this run.
    """
    return Session(
        store=store,
        token=token,
        bind=bind or binder,
        identify=binder.identified,
        clock=binder.clock,
        time_left=binder.time_left,
        holder=os.urandom(8).hex(),
        ordered=ordered,
        early=binder.deployment.early,
    )


def countdown(seconds: float, now: Callable[[], float]) -> Callable[[], float]:
    """Return a function that returns how many of these seconds are left; fewer once the process is asked to stop."""
    deadline = now() + seconds
    return lambda: min(deadline - now(), stop.seconds_left())
