"""The invariants, checked while a fleet runs. The numbers are those of the project's list of invariants (I1 to I12).

What outsiders may break, and what must hold instead:

* A password set at the vendor's console, be it an old one, is kept by whoever set it: Lockstep heals it (an
  administrator's reset) or parks with ``external_change``, and never moves AWSCURRENT on a guess.
* Whoever strips the last label from the live password has lost it himself; the engine must not.
* Whoever strips the marks takes the engine's memory: wrong logins are then not held against the budget, nor the release
  of that version against the engine.
* Whoever takes a rotation away while its machine is off has to switch the machine on himself.
* A human's own wrong logins may lock the account; Lockstep's share stays within the budget.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.state.marks import Kind as MarkKind
from rotation.state.stages import PENDING

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.random_fleets.play.gate import Gate
    from rotation_testkit.fault_lab.random_fleets.play.member import Member
    from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor

MOST_SKEW = 8.0
"""Seconds by which one invocation's clock is off at most."""


class Violation(BaseException):
    """An invariant does not hold. No ``Exception``, so that nothing on the way can swallow it.

    Attributes:
        invariant: its number, such as ``I1``.
    """

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


@dataclass(slots=True)
class Watch:
    """One account's invariants.

    Attributes:
        member: whose account is watched; ``number`` is its place in a batch.
        found: the first violation; it stands even if something on the way swallows the exception.
        excused: passwords that an outsider made live or unreadable.
        stripped: versions whose marks an outsider took.
        wrong: moments of wrong logins of ours.
        hidden: of these, moments of those that nobody was told of: of requests that arrived twice or late.
        acting: runs that hold the lease.
        sent: resets that reached the vendor, by version.
    """

    member: Member
    number: int = 0
    found: Violation | None = None
    excused: list[Secret] = field(default_factory=list)
    stripped: set[str] = field(default_factory=set)
    wrong: list[float] = field(default_factory=list)
    hidden: list[float] = field(default_factory=list)
    acting: list[Gate] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    _values: dict[str, Secret] = field(default_factory=dict)
    _seen: tuple[int, Secret | None] = (-1, None)

    @property
    def vendor(self) -> FleetVendor:
        """The account at its vendor."""
        return self.member.vendors[self.number]

    @property
    def passwords(self) -> dict[str, Secret]:
        """The account's password in each version."""
        return self.member.secret.held[self.number]

    def fail(self, invariant: str, text: str) -> None:
        """Raise the violation, and keep the first."""
        violation = Violation(invariant, f"{text} ({self.member.name}, {self.member.kind_name})")
        self.found = self.found or violation
        raise violation

    def after_effect(self) -> None:
        """I1, I3: the live password is readable under a label, and something is current."""
        secret, live = self.member.secret, self.member.vendors[self.number].live
        if secret.changes == self._seen[0] and live is self._seen[1]:
            return
        self._seen = secret.changes, live
        if not secret.is_readable(live) and live not in self.excused:
            self.fail("I1", "the live password is readable under no label")
        current = secret.holder("AWSCURRENT")
        if current is None or current not in self.passwords:
            self.fail("I3", "AWSCURRENT is on no version with a value")

    def after_outsider(self) -> None:
        """Excuse what an outsider did: these passwords are not ours to keep."""
        secret = self.member.secret
        under_way = [self.passwords.get(gate.token) for gate in self.acting]
        for value in (self.vendor.live, *self.vendor.to_come, *filter(None, under_way)):
            if not secret.is_readable(value) and value not in self.excused:
                self.excused.append(value)
        if self.vendor.outside and self.vendor.live not in self.excused:
            self.excused.append(self.vendor.live)
        self.after_effect()

    def staged(self, version_id: str, value: Secret) -> None:
        """I4: one candidate per token, for ever."""
        if self._values.setdefault(version_id, value) != value:
            self.fail("I4", "a token's candidate was replaced")

    def sending(self, gate: Gate, new: Secret) -> None:
        """I4, I5, I12: what is sent is durable, marked and sent by nobody else at the moment."""
        if self.passwords.get(gate.token) != new:
            self.fail("I4", "another value was sent than the token's")
        if not self._is_intended(gate.token) and not gate.disturbed:
            self.fail("I5", "a reset was sent without an intent mark")
        now = self.member.clock.now()
        if gate not in self.acting:
            self.fail("I12", "a reset was sent without the lease")
        if any(other is not gate and not other.blown and other.deadline > now for other in self.acting):
            self.fail("I12", "a reset was sent while another run holds the lease")
        if self.number in gate.unclear and self.member.kind.proof is Evidence.LOGIN:
            self.fail("unknown", "a reset was sent although the login before it could not tell")
        self.sent[gate.token] = self.sent.get(gate.token, 0) + 1

    def committing(self, target: str) -> None:
        """I2: AWSCURRENT moves only to a proved value."""
        value, vendor = self.passwords.get(target), self.vendor
        if value is None:
            self.fail("I3", "AWSCURRENT was moved to a version without a value")
        if vendor.live == value or (vendor.outside and vendor.ours == value):
            return
        if self.member.kind.proof is Evidence.ACCEPTED and value in vendor.accepted:
            return
        self.fail("I2", "AWSCURRENT was moved to a value that was not proved")

    def releasing(self, version_id: str) -> None:
        """I5: no candidate that may be live is forgotten; with its intent mark it can still be found."""
        if self._is_intended(version_id):
            return
        value, vendor = self.passwords.get(version_id), self.vendor
        if value is not None and version_id in self.stripped:
            self.excused.append(value)
        elif value in (*vendor.accepted, *vendor.to_come):
            self.fail("I5", "a candidate was released although a reset with it may have been applied")

    def wrong_login(self, late: bool) -> None:  # noqa: FBT001 - a callback's one fact
        """Count one; it is judged once its run has ended, since the charge follows it."""
        now = self.member.clock.now()
        self.wrong.append(now)
        if late or self.member.gate is None:
            self.hidden.append(now)
        else:
            self.member.gate.wrong.append((self.number, now))

    def after_run(self, gate: Gate) -> None:
        """I6: wrong logins that anybody was told of stay within the budget."""
        if gate in self.acting:
            self.acting.remove(gate)
        rule, now = self.member.lockout, self.member.clock.now()
        since = now - rule.window_seconds + 2 * MOST_SKEW
        recent = sum(at > since for at in self.wrong)
        excused = sum(at > since for at in self.hidden)
        if recent - excused > rule.budget and not self.stripped:
            self.fail("I6", f"{recent} wrong logins within the window; the budget is {rule.budget}")

    def parked(self, gate: Gate, reason: str) -> None:
        """I8: a human is called for an outside change only when neither candidate nor current is live."""
        vendor, passwords = self.vendor, self.passwords
        misled = gate.lied or gate.recalls or gate.disturbed or gate.turn is not None or self.stripped
        if (
            reason != "external_change"
            or len(self.member.watches) > 1
            or not gate.asked
            or misled
            or vendor.changed_at >= gate.started
        ):
            return
        if vendor.live in (passwords.get(gate.token), passwords.get(str(self.member.secret.holder("AWSCURRENT")))):
            self.fail("I8", "parked for an outside change although a stored password is live")

    def text(self, texts: Iterable[str]) -> None:
        """I9: no secret in any text."""
        shown = "\n".join(texts)
        for held in self.member.secret.held:
            if any(value.reveal() in shown for value in held.values()):
                self.fail("I9", "a password stands in a text")

    def _is_intended(self, version_id: str) -> bool:
        version = self.member.secret.describe().version(version_id)
        own = version if len(self.member.watches) == 1 else version.seen_by(self.number)
        return bool(own.all(MarkKind.INTENT))

    def clean(self, token: str, wrong_before: int) -> None:
        """I6, I7: a rotation that nothing disturbed sends one reset and guesses nothing."""
        if self.sent.get(token, 0) != 1:
            self.fail("I7", f"a clean rotation sent {self.sent.get(token, 0)} resets")
        if len(self.wrong) != wrong_before:
            self.fail("I6", "a clean rotation caused wrong logins")
        if self.member.secret.labels(token) & {PENDING}:
            self.fail("I8", "a clean rotation left AWSPENDING behind")
