"""What must hold before a reset, in one list: createSecret and setSecret demand it, and the dry run reports it.

So a dry run that finds everything ready is followed by no refusal that could have been found out before. What a store
knows beforehand about a value belongs into its ``require_fits``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from rotation.core.document import SecretDocument
from rotation.core.errors import PasswordRejected
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, TargetRules
from rotation.drivers.guarded import Guarded
from rotation.engine.account.login_budget import require_tries
from rotation.policy import Context
from rotation.state.store import Fits, Notes

UNFIT_HINT = (
    "The policy or the account changed since createSecret. Nothing was sent. Lockstep dropped the candidate, and the "
    "next rotation makes one that fits."
)
"""For a candidate that breaks the policy."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """One thing that must hold.

    Attributes:
        name: one word, for ``--json`` of a dry run.
        check: returns a sentence that says what holds; raises a ``RotationError`` if it does not.
    """

    name: str
    check: Callable[[], str]


def require(conditions: Iterable[Precondition]) -> None:
    """Raise the first error."""
    for each in conditions:
        each.check()


def of_the_target(
    bound: Guarded, seen: Observation, *, afterwards: Observation | None = None, greet: bool = True
) -> Iterator[Precondition]:
    """Yield what must hold at the vendor and at the host that judges the password.

    ``afterwards`` is what the target will look like when a login proves the password, if that is not what is ``seen``.
    ``greet`` asks to connect to that host now.
    """
    for obstacle in seen.obstacles:
        yield Precondition("target", partial(_raise, obstacle))
    if not seen.obstacles:
        state = f" ({seen.state})" if seen.state else ""
        yield Precondition("target", lambda: f"nothing would stop a reset{state}")
    yield Precondition("evidence", lambda: _provable(bound, afterwards or seen, greet=greet))
    if bound.minimum is Evidence.LOGIN or bound.spec.authority is Authority.SELF:
        yield Precondition("wrong_login", lambda: _tries(bound))


def of_the_candidate(
    bound: Guarded, seen: Observation, document: SecretDocument, previous: Secret
) -> Iterator[Precondition]:
    """Yield what must hold for the candidate in a document, given the password that it follows."""
    if seen.rules is not None:
        rules = seen.rules
        yield Precondition("rules", lambda: _said(rules))
    yield Precondition("policy", lambda: _fits_the_policy(bound, seen, document.password, previous))


def of_the_store(store: Notes, document: SecretDocument) -> Iterator[Precondition]:
    """Yield what the store knows beforehand about a document that is to be put."""
    if isinstance(store, Fits):
        yield Precondition("document_size", lambda: _fits(store, document))


def _raise(obstacle: Exception) -> str:
    raise obstacle


def _provable(bound: Guarded, afterwards: Observation, *, greet: bool) -> str:
    met = bound.require_provable(afterwards, greet=greet)
    answers = ": the host answers, and is the right one" if met else ""
    return f"the new password can be proved by {bound.minimum.name}{answers}"


def _tries(bound: Guarded) -> str:
    require_tries(bound)
    return "a wrong login does not lock the account at once"


def _fits_the_policy(bound: Guarded, seen: Observation, candidate: Secret, previous: Secret) -> str:
    policy = bound.policy(seen)
    problems = policy.problems(candidate, Context(username=bound.username, previous=previous))
    if problems:
        raise PasswordRejected(
            f"the candidate breaks the policy: {', '.join(problem.code for problem in problems)}",
            hint=UNFIT_HINT,
        )
    return f"the candidate fits the policy {policy.name} ({policy.min_length} to {policy.max_length} characters)"


def _said(rules: TargetRules) -> str:
    """Return what the target says about passwords, and where it says so."""
    said = [
        f"{name.replace('_', ' ')} {getattr(rules, name)}"
        for name in ("min_length", "max_length", "classes", "max_repeat", "min_age_seconds", "history")
        if getattr(rules, name)
    ]
    said += [f"without {rules.exclude}"] if rules.exclude else []
    said += ["without the user's name"] if rules.no_username else []
    if rules.lockout is not None:
        said.append(f"{rules.lockout.tries} wrong logins lock for {rules.lockout.window_seconds} s")
    return f"the target itself says: {', '.join(said) or 'nothing'} ({rules.source})"


def _fits(store: Fits, document: SecretDocument) -> str:
    store.require_fits(document)
    return "the new value fits into the store"
