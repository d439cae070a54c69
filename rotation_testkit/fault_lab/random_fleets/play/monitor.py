"""The invariants of one account, checked while a fleet runs; see ``fault_lab.invariants`` for what each says.

Outsiders may break some of them. Then these rules hold instead:

* A password that a person sets at the vendor's console, an old one included, need not be in the store. Lockstep resets
  it (an administrator's reset) or parks with ``external_change``, and never moves AWSCURRENT on a guess.
* A password whose last label an outsider removes is the outsider's loss; the engine must lose none.
* Marks are the engine's memory. If an outsider removes them, their wrong logins do not count against the budget, and
  the engine may release that version.
* If a machine is off when an outsider cancels the rotation, the outsider has to switch it on.
* A human's own wrong logins may lock the account; Lockstep's share stays within the budget.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.state.marks import Kind as MarkKind
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.invariants import (
    Violation,
    all_readable,
    is_clean,
    is_known,
    is_proved,
    one_sender,
    shows,
    within_budget,
)
from rotation_testkit.fault_lab.random_fleets.play.invocation import Invocation
from rotation_testkit.fault_lab.random_fleets.play.surroundings import MOST_SKEW, AccountView
from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor


@dataclass(slots=True)
class Monitor:
    """One account's invariants.

    Attributes:
        member: whose account it is; ``number`` is its place in a batch.
        found: the first violation; it stands even if something on the way swallows the exception.
        excused: passwords that an outsider made live or unreadable.
        stripped: versions whose marks an outsider took.
        wrong: moments of wrong logins of ours.
        hidden: of these, those that the engine cannot know of: of requests that arrived twice or late.
        acting: runs that hold the lease.
        sent: resets that reached the vendor, by version.
    """

    member: AccountView
    number: int = 0
    found: Violation | None = None
    excused: list[Secret] = field(default_factory=list)
    stripped: set[str] = field(default_factory=set)
    wrong: list[float] = field(default_factory=list)
    hidden: list[float] = field(default_factory=list)
    acting: list[Invocation] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    _values: dict[str, Secret] = field(default_factory=dict)
    _seen: tuple[int, Secret | None] = (-1, None)

    @property
    def vendor(self) -> FleetVendor:
        """The account at its vendor."""
        return self.member.vendors[self.number]

    @property
    def username(self) -> str:
        """The account's name."""
        return self.vendor.username

    @property
    def passwords(self) -> dict[str, Secret]:
        """The account's password in each version that has one."""
        return self.member.secret.held[self.number]

    def fail(self, invariant: str, text: str) -> NoReturn:
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
        if not all_readable([live], secret.is_readable, self.excused):
            self.fail("I1", "the live password is readable under no label")
        known = {version_id for held in secret.held for version_id in held}
        if not is_known(secret.holder(CURRENT), known if self.member.kind.in_turns else self.passwords):
            self.fail("I3", "AWSCURRENT is on no version with a value")

    def after_outsider(self) -> None:
        """Excuse what an outsider did: these passwords are not ours to keep."""
        secret = self.member.secret
        under_way = [self.passwords.get(run.token) for run in self.acting]
        for value in (self.vendor.live, *self.vendor.to_come, *filter(None, under_way)):
            if not secret.is_readable(value) and value not in self.excused:
                self.excused.append(value)
        if self.vendor.outside and self.vendor.live not in self.excused:
            self.excused.append(self.vendor.live)
        self.after_effect()

    def staged(self, version_id: str, value: Secret) -> None:
        """I4: one candidate per token."""
        if self._values.setdefault(version_id, value) != value:
            self.fail("I4", "a token's candidate was replaced")

    def sending(self, run: Invocation, new: Secret) -> None:
        """I4, I5, I12: a candidate that is sent is stored and marked, and no other run sends at the moment."""
        self.using(new)
        if self.passwords.get(run.token) != new:
            self.fail("I4", "another value was sent than the token's")
        if not self._is_intended(run.token) and not run.disturbed:
            self.fail("I5", "a reset was sent without an intent mark")
        now = self.member.clock.now()
        if run not in self.acting:
            self.fail("I12", "a reset was sent without the lease")
        others = (each for each in self.acting if each is not run and not each.gate.dead and each.deadline > now)
        if not one_sender(1 + len(list(others))):
            self.fail("I12", "a reset was sent while another run holds the lease")
        if self.vendor.username in run.unclear and self.member.kind.proof is Evidence.LOGIN:
            self.fail("unknown", "a reset was sent although the login before it could not tell")
        self.sent[run.token] = self.sent.get(run.token, 0) + 1

    def using(self, password: Secret) -> None:
        """A password that somebody planted is neither sent nor tried."""
        if password in self.member.planted:
            self.fail("planted", "a password that somebody planted was used")

    def committing(self, target: str) -> None:
        """I2: AWSCURRENT moves only to a proved value, or to one with the same password of this account of a batch."""
        value, vendor = self.passwords.get(target), self.vendor
        if value is None and any(target in held for held in self.member.secret.held):
            return  # of the account that takes turns with this one
        if value is None:
            self.fail("I3", "AWSCURRENT was moved to a version without a value")
        if self.member.kind.accounts > 1 and value == self.passwords.get(str(self.member.secret.holder(CURRENT))):
            return
        if is_proved(vendor, value, self.member.kind.proof) or (vendor.outside and vendor.ours == value):
            return
        self.fail("I2", "AWSCURRENT was moved to a value that was not proved")

    def releasing(self, version_id: str) -> None:
        """I5: no candidate that may be live is forgotten; with its intent mark it can still be found.

        An account of a batch keeps the password that has become current without those of the others.
        """
        if self._is_intended(version_id):
            return
        value, vendor = self.passwords.get(version_id), self.vendor
        if value is not None and value == self.passwords.get(str(self.member.secret.holder(CURRENT))):
            return
        if value is not None and version_id in self.stripped:
            self.excused.append(value)
        elif value in (*vendor.taken, *vendor.to_come):
            self.fail("I5", "a candidate was released although a reset with it may have been applied")

    def wrong_login(self, late: bool) -> None:  # noqa: FBT001 - a callback's one fact
        """Count a wrong login; it is checked once its run has ended, since the charge is written after it."""
        now = self.member.clock.now()
        self.wrong.append(now)
        if late or self.member.wrong_logins is None:
            self.hidden.append(now)
        else:
            self.member.wrong_logins.append((self.number, now))

    def after_run(self, run: Invocation) -> None:
        """I6: wrong logins that the engine can know of stay within the budget."""
        if run in self.acting:
            self.acting.remove(run)
        rule, now = self.member.lockout, self.member.clock.now()
        since = now - rule.window_seconds + 2 * MOST_SKEW
        recent = sum(at > since for at in self.wrong)
        excused = sum(at > since for at in self.hidden)
        if not within_budget(recent, rule, excused) and not self.stripped:
            self.fail("I6", f"{recent} wrong logins within the window; the budget is {rule.budget}")

    def parked(self, run: Invocation, reason: str) -> None:
        """I8: a human is called for an outside change only when neither candidate nor current is live."""
        vendor, passwords = self.vendor, self.passwords
        misled = run.lied or run.recalls or run.disturbed or run.turn is not None or self.stripped
        if (
            reason != "external_change"
            or len(self.member.vendors) > 1
            or not run.asked
            or misled
            or vendor.changed_at >= run.started
        ):
            return
        if vendor.live in (passwords.get(run.token), passwords.get(str(self.member.secret.holder(CURRENT)))):
            self.fail("I8", "parked for an outside change although a stored password is live")

    def text(self, texts: Iterable[str]) -> None:
        """I9: no secret in any text."""
        shown = "\n".join(texts)
        if any(shows(shown, held.values()) for held in self.member.secret.held):
            self.fail("I9", "a password stands in a text")

    def _is_intended(self, version_id: str) -> bool:
        version = self.member.secret.describe().version(version_id)
        own = version if self.member.kind.accounts == 1 else version.seen_by(self.number)
        return bool(own.all(MarkKind.INTENT))

    def clean(self, token: str, wrong_before: int) -> None:
        """I7: a rotation that nothing disturbed sends one reset and guesses nothing."""
        if self.member.kind.in_turns and token not in self.passwords:
            return  # it was the other account's turn
        resets, wrong = self.sent.get(token, 0), len(self.wrong) - wrong_before
        if not is_clean(resets, wrong):
            self.fail("I7", f"a clean rotation sent {resets} resets and caused {wrong} wrong logins")
        secret = self.member.secret
        if secret.holder(PENDING) not in (None, token) or secret.holder(CURRENT) != token:
            self.fail("I8", "a clean rotation left AWSPENDING on another version than the current one")
