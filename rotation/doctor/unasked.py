"""What can be said where nobody can log in: less proof than a login, and who stopped the machine."""

from __future__ import annotations

from dataclasses import replace

from rotation.doctor.case import Case, Exhibit, Found
from rotation.guard import Guarded
from rotation.lease import ever_taken
from rotation.marks import Kind, Version
from rotation.model import Evidence, Observation, Power
from rotation.power import noted

OURS_SECONDS = 86_400.0
"""A machine that is off is put down to a rotation that was given up for a day after its last sign of life: no schedule
retries for longer. Later its owner is as likely, and he may have stopped it on purpose."""


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
        if not given_up or each.stored is None or noted(each.stored.document) is not Power.RUNNING:
            continue
        if case.now - max(each.stored.created, each.version.intent or 0.0) < OURS_SECONDS:
            return each.id
    return None


def _by_the_vendors_yes(case: Case) -> Case:
    """Believe the vendor's yes to the version that was sent last, unless current came into the secret after it."""
    sent_later = case.exhibit(case.state.cancelled_id(""))
    proved = sent_later or case.current
    if proved is None or proved.stored is None:
        return case
    said_yes = proved.version.accepted if sent_later else proved.version.verified is not None
    if sent_later is not None and _is_overtaken(case, sent_later):
        # A task that ends well is as good as a yes, to whoever goes on with this rotation.
        in_doubt = said_yes or (sent_later is case.pending and sent_later.version.task is not None)
        return replace(
            case.noting(replace(sent_later, found=Found.UNKNOWN)), doubted=sent_later.id if in_doubt else None
        )
    return case.telling(proved, Found.LIVE if said_yes else Found.UNKNOWN, Evidence.ACCEPTED)


def _is_overtaken(case: Case, sent: Exhibit) -> bool:
    """Tell whether current, with another password, was made or proved after the reset was sent: by a human, it seems.

    When the vendor said yes does not matter: that may be written down long after the reset took effect.
    """
    current = case.current
    if current is None or current.stored is None or sent.stored is None:
        return False
    known_since = max(int(current.stored.created), _proved_at(current.version))
    differs = current.stored.document.password != sent.stored.document.password
    return differs and known_since > (sent.version.intent or 0.0)


def _proved_at(version: Version) -> int:
    at = (mark.value.rpartition(":")[2] for mark in version.all(Kind.VERIFIED))
    return max((int(epoch) for epoch in at if epoch.isdecimal()), default=0)
