"""Proves that the candidate is live: by a login, by what the vendor shows, or by its definitive yes.

setSecret holds the lease and proves the candidate right after the reset if it can; otherwise testSecret does.

Example: the vendor accepts a reset, and the machine runs again. ``find`` logs in, and the proof is a login. If no login
can be made and the deployment demands none, the vendor's yes is the proof, once the machine is in its wanted state.
"""

from __future__ import annotations

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, ConfigError, LoginRejected, NotReady
from rotation.core.values import Evidence, Verdict
from rotation.drivers.guarded import Guarded
from rotation.engine.account import power
from rotation.engine.account.login_budget import Budget
from rotation.engine.account.refusals import raise_if_hopeless
from rotation.engine.session import AccountSession
from rotation.state.versions import SecretState


def prove(
    session: AccountSession, state: SecretState, bound: Guarded, candidate: SecretDocument, *, accepted: bool
) -> Evidence:
    """Prove the candidate, and write the proof down; ``accepted`` says that the vendor said a definitive yes.

    Raises:
        LoginRejected: it is not live; what was proved before is forgotten.
        Parked: no login may be tried now, or it is not live and sending it again does not help.
        NotReady: too early.
        ConfigError: the proof is weaker than the deployment demands.
        RotationError: could not tell.
    """
    try:
        evidence = _find(session, state, bound, candidate, accepted=accepted)
    except LoginRejected:
        # Older proof no longer holds: finishSecret must not commit by it, and setSecret must send again.
        session.disprove(state.version(session.token))
        raise_if_hopeless(session, bound, candidate)
        raise
    if evidence < bound.minimum:
        raise ConfigError(f"{evidence.name} is all the proof there is, but {bound.minimum.name} is demanded")
    session.prove(evidence)
    return evidence


def _find(
    session: AccountSession, state: SecretState, bound: Guarded, candidate: SecretDocument, *, accepted: bool
) -> Evidence:
    session.let_it_apply(state.version(session.token), bound)
    seen, password = bound.observe(), candidate.password
    if bound.minimum is Evidence.LOGIN or bound.can_ask(seen):
        budget = Budget(session=session, bound=bound, version_id=session.token)
        try:
            if budget.log_in(password, state, seen) is Verdict.ACCEPTED:
                return Evidence.LOGIN
        except CannotVerify:
            if bound.minimum is Evidence.LOGIN:
                raise
        else:
            raise LoginRejected("the candidate does not open the account; the next attempt sends it again")
    if not power.is_given_back(bound, candidate, seen):
        raise NotReady("setSecret has not yet given the machine back as it was found")
    readback = seen.readback
    if readback is not None and readback == password:
        return Evidence.READBACK
    if readback is not None and bound.minimum is Evidence.READBACK:
        raise LoginRejected("the vendor shows another password than the candidate; the next attempt sends it again")
    if accepted:
        return Evidence.ACCEPTED
    raise NotReady("the vendor has not yet said a definitive yes to this candidate")
