"""Who was turned away, for vendors whose budget of wrong logins is too small to ask about every password in one run.

Without it, a run with a budget of one would ask about the candidate, park, and the next one would ask the same again,
for ever. What is remembered holds until the next reset is sent, or until a human is called; then all are asked anew.
"""

from __future__ import annotations

from rotation.engine.session import Session
from rotation.engine.tables.reconciliation import Facts, Finding, Stored
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.versions import Version


def recall(facts: Facts, version: Version) -> Facts:
    """Return the facts with what earlier runs found out since the latest intent."""
    for name in version.turned_away:
        if name in tuple(Stored):
            facts = facts.learned(Stored(name), Finding.REJECTED)
    return facts


def remember(session: Session, facts: Facts) -> None:
    """Write down which stored passwords are known to be dead."""
    found = {Stored.PENDING: facts.pending, Stored.CURRENT: facts.current, Stored.PREVIOUS: facts.previous}
    names = [each for each, finding in found.items() if finding is Finding.REJECTED]
    if names:
        note = marks.turned_away(names, session.clock.now())
        session.store.mark(session.token, note)
        _forget(session, but=note)


def forget(session: Session) -> None:
    """Ask everybody anew next time."""
    _forget(session, but=None)


def _forget(session: Session, *, but: marks.Mark | None) -> None:
    for old in session.store.describe().version(session.token).all(Kind.DEAD):
        if old != but:
            session.store.unmark(session.token, old)
