"""Finds out what is known without a login: weaker proof if the deployment allows it, and who stopped the machine."""

from __future__ import annotations

from rotation.core.document import documents
from rotation.core.values import Evidence, Observation, Power
from rotation.doctor.findings import ExaminedVersion, Findings, PasswordState
from rotation.drivers.guarded import Guarded
from rotation.engine.account.power import OWNERS_WISH_AFTER
from rotation.engine.batch.batch import Batch
from rotation.state.lease import ever_taken
from rotation.state.versions import Version

CLOCKS_DIFFER_SECONDS = 300.0
"""By which the function's clock may differ from the store's; AWS takes no request of a clock that is further off."""


def without_login(bound: Guarded, findings: Findings, seen: Observation) -> None:
    """Note proof weaker than a login, as far as the deployment allows it."""
    if seen.readback is not None and bound.minimum <= Evidence.READBACK:
        findings.checkable = True
        for each in findings.versions:
            if each.stored is not None:
                own = seen if each.bound in (None, bound) else each.bound.observe()
                live = each.stored.document.password == own.readback
                each.password = PasswordState.LIVE if live else PasswordState.DEAD
                each.evidence = Evidence.READBACK if live else None
    elif bound.minimum is Evidence.ACCEPTED:
        _by_accepted_reset(findings)


def who_stopped_it(findings: Findings) -> str | None:
    """Return the abandoned candidate that found the machine running and whose run got as far as the lease."""
    for each in findings.versions:
        abandoned = each not in (findings.current, findings.pending) and ever_taken(findings.state, each.id)
        if not abandoned or each.stored is None or each.stored.document.notes.power is not Power.RUNNING:
            continue
        if findings.now - max(each.stored.created, each.version.intent or 0.0) < OWNERS_WISH_AFTER:
            return each.id
    return None


def overtaken_batch(findings: Findings, accounts: Batch, pending: ExaminedVersion) -> bool:
    """Return whether resuming a batch would accept, as proof, a vendor's yes to a reset that is older than current.

    Raises:
        RotationError: an account cannot be observed.
    """
    if pending.stored is None or not _is_overtaken(findings, pending):
        return False
    own = documents(pending.stored.document, accounts.key)
    return any(
        _is_yes(pending.version.seen_by(member.number), unfinished=True)
        and document.password != member.document.password
        and member.bound.minimum is Evidence.ACCEPTED
        and not member.bound.can_ask(member.bound.observe())
        for member, document in zip(accounts.members, own, strict=True)
    )


def _by_accepted_reset(findings: Findings) -> None:
    """Treat the version sent last as proved if the vendor accepted it and current is older than that reset."""
    sent_later, current = findings.version(findings.state.cancelled_id("")), findings.current
    proved = sent_later or current
    if proved is None or proved.stored is None or proved.password is not PasswordState.NOT_ASKED:
        return
    if sent_later is None:
        yes = proved.version.proof is not None
    else:
        yes = sent_later.version.accepted or sent_later.version.proof is not None
        differs = current and current.stored and current.stored.document.password != proved.stored.document.password
        if differs and _is_overtaken(findings, sent_later):
            yes = False
            if _is_yes(sent_later.version, unfinished=sent_later is findings.pending):
                findings.overtaken = sent_later.id
    findings.note_password(proved, PasswordState.LIVE if yes else PasswordState.UNKNOWN, Evidence.ACCEPTED)


def _is_yes(version: Version, *, unfinished: bool) -> bool:
    """Return whether the vendor confirmed the reset.

    For an unfinished rotation a known task id counts, because resuming it treats the completed task as confirmation.
    """
    yes = version.accepted or version.proof is not None
    return yes or (unfinished and version.task is not None)


def _is_overtaken(findings: Findings, sent: ExaminedVersion) -> bool:
    """Return whether current was made current after a reset was sent, apparently by an operator.

    The reset's intent names what was current when its run began, so no clock is asked. The time of the vendor's yes
    does not matter: it may be noted long after the reset took effect. An intent of an earlier release names nothing.
    Then the store's time of current decides, as if the function's clock were ahead of it by as much as may be.
    """
    intents, current = sent.version.intents, findings.current
    if current is None or current.stored is None:
        return False
    if intents and intents[-1].base:
        return not findings.state.is_based_on_current(sent.version)
    return current.stored.created > (sent.version.intent or 0.0) - CLOCKS_DIFFER_SECONDS
