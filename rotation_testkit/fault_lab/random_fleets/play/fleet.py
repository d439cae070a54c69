"""A fleet: members, one clock, and everything that a script can make happen."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - decides whose turn it is

from rotation.core.values import Step
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.random_fleets.play import outside_actions
from rotation_testkit.fault_lab.random_fleets.play.interleaving import Body, interleave
from rotation_testkit.fault_lab.random_fleets.play.member import DONE, Member
from rotation_testkit.fault_lab.random_fleets.play.surroundings import Action

ACTIONS = (
    "wait",
    "attempt",
    "parallel",
    "step",
    "test-only",
    "vendor-down",
    "store-down",
    *outside_actions.ACTIONS,
)
"""Every word that an action's ``do`` can be."""


@dataclass(slots=True)
class Fleet:
    """Accounts that share a clock.

    Attributes:
        kinds: one name of ``FLEET_CLASSES`` per member.
        clock: virtual.
        trace: what happened, line by line, when wanted.
        calm_since: epoch after which no outage is under way.
        members: the accounts.
        started: epoch of the beginning.
    """

    kinds: Sequence[str]
    clock: VirtualClock = field(default_factory=VirtualClock)
    trace: list[str] | None = None
    calm_since: float = 0.0
    members: list[Member] = field(init=False)
    started: float = field(init=False)
    _hands: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self.members = [Member(self, f"account-{number}", kind) for number, kind in enumerate(self.kinds)]

    def apply(self, action: Action) -> str:
        """Make one thing happen.

        Returns:
            How it went, for the trace; ``""`` where nothing can go wrong.

        Raises:
            Violation: an invariant does not hold.
            KeyError: no such action.
        """
        what = str(action["do"])
        if what == "wait":
            self.clock.sleep(float(action["seconds"]))
            return self._looked(self.members)
        member = self.members[int(action.get("on", 0)) % len(self.members)]
        if what in outside_actions.ACTIONS:
            member.touched = True
            member.tell(f"outsider: {what}")
            outside_actions.ACTIONS[what](member, action)
            member.left_off = member.left_off or not all(vendor.is_on for vendor in member.vendors)
            for monitor in member.monitors:
                monitor.after_outsider()
            return ""
        return {
            "attempt": self._attempt,
            "parallel": self._parallel,
            "step": self._step,
            "test-only": self._test_only,
            "vendor-down": self._down,
            "store-down": self._down,
        }[what](member, action)

    def new_password(self) -> str:
        """Return a password that a human makes up."""
        return f"HandPassword{next(self._hands):08d}"

    def _looked(self, members: Sequence[Member]) -> str:
        for member in members:
            member.look_around()
        return ""

    def _attempt(self, member: Member, action: Action) -> str:
        return member.attempt(action.get("faults", ()), skew=float(action.get("skew", 0.0)))

    def _parallel(self, member: Member, action: Action) -> str:
        outcomes: list[str] = []

        def body(run: Action) -> Body:
            if run["do"] == "attempt":
                return lambda turn: outcomes.append(member.attempt(run.get("faults", ()), turn=turn))
            return lambda turn: outcomes.append(
                member.invoke(Step(run["step"]), self._token(member, run), run.get("faults", ()), turn=turn)
            )

        runs = [run for run in action["runs"] if run["do"] == "attempt" or self._token(member, run)]
        member.disturbed = True
        interleave([body(run) for run in runs], Random(action["turns"]), self.clock.sleep)
        return " ".join(outcomes)

    def _token(self, member: Member, action: Action) -> str:
        tokens = member.tokens[-int(action.get("back", 1)) :]
        return tokens[0] if tokens else ""

    def _step(self, member: Member, action: Action) -> str:
        """Deliver one event again, late: any step, for any token of this secret."""
        token = self._token(member, action)
        if not token:
            return ""
        member.disturbed = True
        return member.invoke(Step(action["step"]), token, action.get("faults", ()))

    def _test_only(self, member: Member, action: Action) -> str:
        """Run testSecret alone with a version made only for it, as RotateImmediately=false does (I11)."""
        token = member.begun()
        if token is None:
            return ""
        member.token = None
        healthy = self._is_healthy(member)
        outcome = member.invoke(Step.TEST, token, action.get("faults", ()))
        member.secret.strip(token, {"AWSPENDING"})
        if any(each.sent.get(token) for each in member.monitors):
            member.monitor.fail("I11", "a test-only invocation sent a reset")
        if healthy and not action.get("faults") and outcome != DONE:
            member.monitor.fail("I11", f"a test-only invocation failed a healthy secret: {outcome}")
        return outcome

    def _is_healthy(self, member: Member) -> bool:
        calm = self.clock.now() >= max(member.vendor_down_until, member.store_down_until)
        ready = all(not vendor.busy and vendor.can_log_in for vendor in member.vendors)
        return member.in_step and calm and not member.touched and ready and not _is_spent(member)

    def _down(self, member: Member, action: Action) -> str:
        until = self.clock.now() + float(action["seconds"])
        if action["do"] == "vendor-down":
            member.vendor_down_until = until
        else:
            member.store_down_until = until
        self.calm_since = max(self.calm_since, until)
        return ""


def _is_spent(member: Member) -> bool:
    """Return whether the charged logins use up the budget; a successful login may still be charged."""
    labels = (label.split(":") for each in member.secret.version_ids for label in member.secret.labels(each))
    return sum(int(parts[2]) for parts in labels if parts[:2] == ["lockstep", "rejected"]) >= member.lockout.budget
