"""Examine a secret, decide what is wrong, repair it, and repeat until nothing more can be done.

1. **Examine** (``examination``, ``without_login``): read every labelled version, and log in with the passwords that may
   be live, inside the wrong-login budget that rotations share. Only the charges of these logins are written.
2. **Decide** (``decide``, ``side_findings``): a pure function turns the findings into a diagnosis with a plan.
3. **Repair** (``repairs``): carry the plan out under the secret's lease, against the labels that were examined.

For example, the answer to a reset was lost, and the function never ran again:

- Examine: version ``a`` is AWSCURRENT; ``b`` is AWSPENDING and has an intent label. ``b`` is tried first and logs in.
- Decide: the condition is *repairable*, the plan is ``promote b``.
- Repair: move the proof's label to ``b``, and AWSCURRENT from ``a`` to ``b``.
- The second round finds current live and nothing left over: *healthy*.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.doctor.decide import decide
from rotation.doctor.diagnosis import Diagnosis
from rotation.doctor.examination import find_out
from rotation.doctor.repairs import Outcome, repair
from rotation.engine.session import Session

_ROUNDS = 3


def examine(session: Session) -> Diagnosis:
    """Find out which stored password is live and what is to be done.

    Args:
        session: as for a step; its token is not used.

    Raises:
        StoreError: the secret cannot be read.
    """
    return decide(find_out(session))


def heal(session: Session, diagnosis: Diagnosis | None = None) -> Outcome:
    """Examine and repair until the secret is healthy, must wait, or needs a human.

    Args:
        session: as for ``examine``.
        diagnosis: where to begin, if there is one already.

    Raises:
        StoreError: the secret cannot be read.
    """
    outcome = repair(session, diagnosis or examine(session))
    for _ in range(_ROUNDS - 1):
        if outcome.error is not None or not outcome.done:
            return outcome
        after = repair(session, examine(session))
        outcome = replace(after, done=outcome.done + after.done)
        if not after.done:
            return outcome
    return outcome
