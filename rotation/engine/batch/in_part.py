"""Makes the proved accounts of a batch current while another one fails, so that their readers do not wait for it.

setSecret ends with this, under the lease, if an account failed and another one's new password is proved and not current
yet. The version that becomes current has the new passwords of the proved accounts, and the current ones of the others.
The rotation continues under its token with the accounts that are left, and its candidate becomes current at the end.

Example. Device 2 of three takes no reset. ``c`` is current, ``v`` is the candidate and ``m`` the mixed version::

    setSecret, before  c: AWSCURRENT intent:10…       v: AWSPENDING intent:90… proof:login:0 proof:login:1
    1: m is put        m: intent:10:0:<v>:<c>         passwords 0 and 1 of v, 2 of c
    2: promoted        m: AWSCURRENT intent:10…       c: AWSPREVIOUS intent:10…
    3: settled         c: AWSPREVIOUS

What has to hold, and what holds it:

* The live password is in the store: ``v`` keeps its value and its labels until every account is proved.
* Readers get proved values: ``m`` takes only passwords whose proof on ``v`` holds, and replaces ``c`` by
  compare-and-swap.
* No account is asked about or reset again: the proofs on ``v`` still hold, since the intent of ``m`` names ``v`` as
  what it was made of (``SecretState.is_based_on_current``).
* What ``v`` sent and left open is still known if ``v`` loses its pending stage: the intent of ``m`` has the time of
  ``c``'s, so that of ``v`` is later, and that of ``c`` is over.
* A crash after 1 leaves a version that no reader gets. Its id follows from what it holds, so the next run puts the same
  value under the same id. The end of the rotation removes its label.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from rotation.core.document import documents, merged
from rotation.core.errors import RotationError, StageConflict
from rotation.core.values import Evidence
from rotation.engine.batch.members import Member
from rotation.engine.outcome.announcing import commit
from rotation.engine.session import Session
from rotation.state import marks


def commit_in_part(session: Session, key: str, members: Sequence[Member]) -> frozenset[int]:
    """Make the new passwords of the proved accounts current. ``session`` holds the lease.

    Returns:
        The numbers of the accounts whose new passwords are current now; none where the store fails, since the accounts'
        own failures matter more and the next run comes by.
    """
    try:
        return _commit(session, key, members)
    except RotationError:
        return frozenset()


def _commit(session: Session, key: str, members: Sequence[Member]) -> frozenset[int]:
    store, token, state = session.store, session.token, session.store.describe()
    now, new = session.current(state), documents(session.candidate().document, key)
    there = documents(now.document, key)
    done = frozenset(each.number for each in members if new[each.number].password == there[each.number].password)
    proofs = {each.number: state.seen_by(each.number).proof(token) or 0 for each in members}
    proved = frozenset(each.number for each in members if proofs[each.number] >= each.bound.minimum)
    if proved <= done:
        return done
    mixed = merged(now.document, key, [new[n] if n in proved else there[n] for n in range(len(members))])
    version_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{token} {now.version_id} {sorted(proved)}"))
    sent = state.version(now.version_id).intent or 0.0
    store.stage(version_id, mixed, marks.intent(sent, run=token[-8:], base=now.version_id))

    def settle() -> None:
        try:
            store.settle(version_id)
        except StageConflict:
            raise  # the store has not kept the promotion
        except RotationError:
            pass  # the end of the rotation does it, too

    commit(session, version_id, Evidence(min(proofs[n] for n in proved)), state=state, settle=settle)
    return done | proved
