"""Which stored passwords are known to be dead, for vendors whose budget of wrong logins is too small for one run.

Without this note, a run with a budget of one would ask about the candidate and park, and the next run would ask the
same again, for ever. The note holds until the next reset is sent, or until a human is called.
"""

from __future__ import annotations

from rotation.engine.session import AccountSession
from rotation.engine.tables.reconciliation import Facts, Finding, Stored
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.store import replace_marks
from rotation.state.versions import Version


def recall(facts: Facts, version: Version) -> Facts:
    """Return the facts with what earlier runs found out since the latest intent."""
    for name in version.dead:
        if name in tuple(Stored):
            facts = facts.learned(Stored(name), Finding.REJECTED)
    return facts


def remember(session: AccountSession, facts: Facts) -> None:
    """Write down which stored passwords are known to be dead."""
    found = {Stored.PENDING: facts.pending, Stored.CURRENT: facts.current, Stored.PREVIOUS: facts.previous}
    names = [each for each, finding in found.items() if finding is Finding.REJECTED]
    if names:
        _note(session, [marks.dead(names, session.clock.now())])


def forget(session: AccountSession) -> None:
    """Have every password asked about again next time."""
    _note(session, [])


def _note(session: AccountSession, new: list[marks.Mark]) -> None:
    replace_marks(session.store, session.token, new, session.store.describe().version(session.token).all(Kind.DEAD))
