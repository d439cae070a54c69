"""Opens the session that one run works in, for each face of the product: function, command line, job, plug-in.

A session needs a store, a binder, and a name of its own under which it takes the secret's lease. For example::

    binder = Binder(deployment=…, fetch=…, clock=clock, time_left=countdown(120.0, steady(clock).now))
    session = open_session(store, binder, token="…")
    steps.run(session, Step.SET)
    binder.driver  # names the driver that was used, for the log line
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rotation.core.document import SecretDocument
from rotation.core.event import Announce, announce_nothing
from rotation.core.process import stop
from rotation.deployment.binder import Binder
from rotation.drivers.guarded import Guarded
from rotation.engine.identity.admission import Admission
from rotation.engine.identity.named import Named
from rotation.engine.session import Session
from rotation.state.store import Store

Narrow = Callable[[Guarded], Guarded]


def open_session(  # noqa: PLR0913 - one record
    store: Store,
    binder: Binder,
    *,
    token: str = "",
    narrow: Narrow = lambda bound: bound,
    ordered: bool = False,
    announce: Announce = announce_nothing,
) -> Session:
    """Return a session with a holder name that no other run has. Its clock and its time are the binder's.

    The session binds only accounts that the secret's binding names. One without a token only looks. ``narrow`` changes
    what the binder returns, ``ordered`` says that a human asked for this run, and ``announce`` gets its events
    where the deployment names a target.
    """
    admission = Admission(store=store, name=binder.name, mode=binder.deployment.binding_of)
    return Session(
        store=store,
        token=token,
        bind=_Bound(binder, admission, narrow, wired=True),
        identify=_Bound(binder, admission, narrow, wired=False),
        clock=binder.clock,
        time_left=binder.time_left,
        holder=os.urandom(8).hex(),
        ordered=ordered,
        early=binder.deployment.early,
        announce=announce if binder.deployment.events.targets else announce_nothing,
    )


@dataclass(frozen=True, slots=True)
class _Bound:
    """Implements ``session.Bind``."""

    binder: Binder
    admission: Admission
    narrow: Narrow
    wired: bool

    def __call__(self, document: SecretDocument, batch: Sequence[SecretDocument] = ()) -> Guarded:
        """See ``session.Bind``. The account is held against the binding before its admin credential is read."""
        named = self.admission.admit(document, batch)
        bound = replace(self.binder.guarded(named, document, wired=self.wired), enrols=self.admission.enrols(named))
        return self.narrow(bound)

    def name(self, document: SecretDocument) -> Named:
        """See ``session.Bind``."""
        return self.binder.name(document)


def until_written_down(time_left: Callable[[], float]) -> Callable[[], float]:
    """Return a function that returns how many seconds calls of the store have left.

    Once the process is asked to stop at once, nothing is left for the vendor, but the lease is still given back.
    """
    return lambda: max(time_left(), stop.HALT_SECONDS if stop.requested() else 0.0)


def countdown(seconds: float, now: Callable[[], float]) -> Callable[[], float]:
    """Return a function that returns how many of these seconds are left; fewer once the process is asked to stop."""
    deadline = now() + seconds
    return lambda: min(deadline - now(), stop.seconds_left())
