"""The drift check: does the current password open the account? It changes nothing at the vendor and moves no label.

A login is charged to the shared budget before it is tried, and a wrong one stays charged. Labels that say that this
password was rejected answer instead, while that wrong login counts.
"""

from __future__ import annotations

from rotation.core.clock import date_of
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
        MissingExtra: a login is demanded, and its library is not installed.
        RotationError: could not tell.
    """
    current = session.current(state)
    bound = session.bind(current.document)
    budget = Budget(session=session, bound=bound, version_id=current.version_id)
    rejected = budget.rejected_at(state)
    if rejected is not None:
        raise _drifted(rejected)
    raise_if_parked(session, state, version_id="")  # what holds back a reset holds back no check
    seen = bound.observe()
    password = current.document.password
    if bound.can_ask(seen):
        opens, evidence = budget.ask_own(password, state, seen) is Verdict.ACCEPTED, Evidence.LOGIN
    elif seen.readback is not None and bound.minimum <= Evidence.READBACK:
        opens, evidence = seen.readback == password, Evidence.READBACK
    else:
        bound.require_library(seen)
        return Result(outcome="nothing_to_verify", driver=bound.spec.code)
    if not opens:
        raise _drifted()
    return Result(outcome="current_verified", driver=bound.spec.code, evidence=evidence)


def _drifted(known_since: float | None = None) -> LoginRejected:
    when = again = ""
    if known_since is not None:
        when = f"; a login at {date_of(known_since):%Y-%m-%d %H:%M:%S} UTC found that, and none was made now"
        again = " If the account was set to this password since, `lockstep verify --spend-a-try` asks again."
    return LoginRejected(
        f"the current password does not open the account{when}",
        hint="Somebody changed it outside of Lockstep, or a rotation is half done: `lockstep doctor` finds out. If it "
        f"finds nothing, put the live password into the secret as a new version.{again}",
    )
