"""Everything that can be checked before setSecret's intent mark, while nothing was sent."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import InProgress, PasswordRejected
from rotation.core.values import Observation, Power
from rotation.drivers.guarded import Guarded
from rotation.engine.account.power import give_back
from rotation.engine.session import Session
from rotation.policy import Context
from rotation.state.store import StoredValue


def preflight(session: Session, bound: Guarded, current: StoredValue, candidate: StoredValue) -> Observation:
    """Refuse a first reset that would be refused, unsafe or impossible to prove.

    Whatever ends the attempt here, a machine that an earlier run switched is switched back.

    Returns:
        What the target looks like.

    Raises:
        DriverError: an obstacle at the target.
        ConfigError: the demanded evidence can never be won.
        CannotVerify: the host that is to judge the password cannot be reached, or is another one.
        PasswordRejected: the candidate breaks the policy; it was released.
    """
    seen = bound.observe()
    for obstacle in seen.obstacles:
        if not isinstance(obstacle, InProgress):
            give_back(bound, candidate.document)
        raise obstacle
    afterwards = replace(seen, power=candidate.document.notes.power or seen.power)
    bound.require_provable(afterwards, greet=seen.power is not Power.STOPPED)
    policy = bound.spec.policies[seen.variant]
    context = Context(username=bound.username, previous=current.document.password)
    problems = policy.problems(candidate.document.password, context)
    if problems:
        give_back(bound, candidate.document)
        session.store.release(session.token)
        raise PasswordRejected(
            f"the candidate breaks the policy: {', '.join(problem.code for problem in problems)}",
            hint="The policy or the account changed since createSecret. Nothing was sent and the candidate was "
            "released; the next rotation makes a fitting one.",
        )
    return seen
