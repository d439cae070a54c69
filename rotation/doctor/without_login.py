"""What can be said where nobody can log in: less proof than a login, and who stopped the machine."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.document import documents
from rotation.core.values import Evidence, Observation, Power
from rotation.doctor.case import Case, Exhibit, Found
from rotation.drivers.guarded import Guarded
from rotation.engine.account.power import OWNERS_WISH_AFTER
from rotation.engine.batch.batch import Batch
from rotation.state.lease import ever_taken
from rotation.state.marks import Kind
from rotation.state.versions import Version


def without_login(bound: Guarded, case: Case, seen: Observation) -> Case:
    """Take less proof than a login, as far as the deployment allows it."""
    if seen.readback is not None and bound.minimum <= Evidence.READBACK:
        for each in case.exhibits:
            if each.stored is not None:
                live = each.stored.document.password == seen.readback
                proof = Evidence.READBACK if live else None
                case = case.noting(replace(each, found=Found.LIVE if live else Found.DEAD, evidence=proof))
        return replace(case, may_answer=True)
    return _by_the_vendors_yes(case) if bound.minimum is Evidence.ACCEPTED else case


def who_stopped_it(case: Case) -> str | None:
    """Return the given-up candidate that found the machine running, and whose run came as far as the lease."""
    for each in case.exhibits:
        given_up = each not in (case.current, case.pending) and ever_taken(case.state, each.id)
        if not given_up or each.stored is None or each.stored.document.notes.power is not Power.RUNNING:
            continue
        if case.now - max(each.stored.created, each.version.intent or 0.0) < OWNERS_WISH_AFTER:
            return each.id
    return None


def overtaken_batch(case: Case, accounts: Batch, pending: Exhibit) -> bool:
    """Tell whether going on with a batch would take a yes for proof that is older than current, as for one account.

    Raises:
        RotationError: an account that is to be looked at cannot be.
    """
    if pending.stored is None or not _is_newer(case.current, pending):
        return False
    own = documents(pending.stored.document, accounts.key)
    return any(
        _is_yes(pending.version.seen_by(member.number), unfinished=True)
        and document.password != member.document.password
        and member.bound.minimum is Evidence.ACCEPTED
        and not member.bound.can_ask(member.bound.observe())
        for member, document in zip(accounts.members, own, strict=True)
    )


def _by_the_vendors_yes(case: Case) -> Case:
    """Believe the vendor's yes to the version that was sent last, unless current came into the secret after it."""
    sent_later = case.exhibit(case.state.cancelled_id(""))
    proved = sent_later or case.current
    if proved is None or proved.stored is None or proved.found is not Found.NOT_ASKED:
        return case
    if sent_later is None:
        return _told(case, proved, yes=proved.version.verified is not None)
    current = case.current.stored if case.current else None
    differs = current is not None and current.document.password != proved.stored.document.password
    if not differs or not _is_newer(case.current, sent_later):
        return _told(case, sent_later, yes=sent_later.version.accepted)
    doubted = _is_yes(sent_later.version, unfinished=sent_later is case.pending)
    return replace(_told(case, sent_later, yes=False), doubted=sent_later.id if doubted else None)


def _told(case: Case, exhibit: Exhibit, *, yes: bool) -> Case:
    return case.telling(exhibit, Found.LIVE if yes else Found.UNKNOWN, Evidence.ACCEPTED)


def _is_yes(version: Version, *, unfinished: bool) -> bool:
    """Tell whether the vendor said yes. Whoever goes on with a rotation takes its task's end for one."""
    return version.accepted or (unfinished and version.task is not None)


def _is_newer(current: Exhibit | None, sent: Exhibit) -> bool:
    """Tell whether current was made or proved after a reset was sent: by a human, it seems.

    When the vendor said yes does not matter: that may be written down long after the reset took effect.
    """
    if current is None or current.stored is None:
        return False
    known_since = max(int(current.stored.created), _proved_at(current.version))
    return known_since > (sent.version.intent or 0.0)


def _proved_at(version: Version) -> int:
    at = (mark.value.rpartition(":")[2] for mark in version.all(Kind.VERIFIED))
    return max((int(epoch) for epoch in at if epoch.isdecimal()), default=0)
