"""The drift check: does the current password open the account? It changes nothing at the vendor and moves no label.

A login is charged to the shared budget before it is tried, and a wrong one stays charged.
"""

from __future__ import annotations

from rotation.core.errors import LoginRejected
from rotation.core.values import Evidence, Verdict
from rotation.engine.account.login_budget import Budget
from rotation.engine.attempts import raise_if_parked
from rotation.engine.result import Result
from rotation.engine.session import AccountSession
from rotation.state.versions import SecretState


def check_current(session: AccountSession, state: SecretState) -> Result:
    """Check an account's current password.

    Returns:
        The proof; ``nothing_to_verify`` if no login is possible.

    Raises:
        LoginRejected: the password was changed outside Lockstep, or a rotation is half done.
        Parked: no login may be tried now.
        RotationError: could not tell.
    """
    current = session.current(state)
    raise_if_parked(session, state, current.version_id)
    bound = session.bind(current.document)
    seen = bound.observe()
    password = current.document.password
    if bound.can_ask(seen):
        budget = Budget(session=session, bound=bound, version_id=current.version_id)
        opens, evidence = budget.log_in(password, state, seen) is Verdict.ACCEPTED, Evidence.LOGIN
    elif seen.readback is not None and bound.minimum <= Evidence.READBACK:
        opens, evidence = seen.readback == password, Evidence.READBACK
    else:
        return Result(outcome="nothing_to_verify", driver=bound.spec.code)
    if not opens:
        raise LoginRejected(
            "the current password does not open the account",
            hint="It was changed outside, or a rotation is half done: `lockstep doctor` finds out. Where it finds "
            "nothing, put the live password into the secret as a new version.",
        )
    return Result(outcome="current_verified", driver=bound.spec.code, evidence=evidence)
