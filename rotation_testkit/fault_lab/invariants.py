"""The promises I1 to I12: what each says, and the rule by which matrix and fleets check it.

The rules are functions of plain facts: which password is live, which are stored, who sent what. The matrix checks them
between invocations (``matrix.worlds.checks``). The random fleets check them at every effect, and excuse what outsiders
did (``random_fleets.play.monitor``). For example, ``I1`` of an account whose reset was just applied is
``all_readable([live], stored)``, and is broken if no label keeps the new password.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, Power
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

PROMISES: Mapping[str, str] = MappingProxyType(
    {
        "I1": "The live password can be read from the store under a label, at every moment.",
        "I2": "Readers get a new value only once it is proved live, or definitely accepted where nothing can be asked.",
        "I3": "Readers never get an empty or a foreign version.",
        "I4": "One candidate per token: every retry sends the same bytes.",
        "I5": "No candidate that may be live, or may yet become it, loses its last label.",
        "I6": "Wrong logins stay within the budget, and the account is never locked.",
        "I7": "A run without faults sends one reset and makes no wrong login.",
        "I8": "When the faults stop, bounded retries end in *current = live*, or parked with a reason.",
        "I9": "No error, label or parking reason shows a password.",
        "unknown": "A login that could not tell decides nothing: no reset follows it in the same invocation.",
        "I10": "After success every step may run again and changes nothing.",
        "I11": "A test-only invocation resets nothing and does not fail a healthy secret.",
        "next": "The next day's rotation needs one attempt, whatever this one left behind.",
        "D1": "What did not end well, the doctor alone turns into *current = live*, or it says what a human must do.",
        "turns": "Where two accounts take turns, what readers get opens its account at every moment.",
        "stop": "A process that is asked to stop ends what it has begun, begins no reset, and gives the lease back.",
        "clock": "What a run writes down is dated by the store's clock, whatever the machine's clock says.",
        "output": "An output that cannot be written changes nothing but the note that a commit is to be announced.",
        "event": "A commit is announced, if not by its own run then by the next rotation.",
        "I12": "Two invocations at once never both send a reset.",
    }
)
"""What each name stands for, in the order of the page."""


class Violation(BaseException):
    """A promise does not hold. No ``Exception``, so that nothing on the way can swallow it.

    Attributes:
        invariant: its name, such as ``I1``.
    """

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


def all_readable(
    passwords: Iterable[Secret], is_stored: Callable[[Secret], bool], excused: Collection[Secret] = ()
) -> bool:
    """I1, I5: each of these is in the store under a label, except those that an outsider removed."""
    return all(is_stored(each) or each in excused for each in passwords)


def is_proved(vendor: MemoryVendor, value: Secret, proof: Evidence) -> bool:
    """I2: the value may become current: it is live, or, if no login is possible, the vendor accepted it."""
    return vendor.live == value or (proof is Evidence.ACCEPTED and value in vendor.taken)


def is_known(current: str | None, known: Collection[str]) -> bool:
    """I3: readers get something, and it is one of these."""
    return current is not None and current in known


def one_candidate_per_token(staged_or_sent: Collection[tuple[str, str]]) -> bool:
    """I4: of the distinct pairs of a token and a candidate, no two have the same token."""
    return len(staged_or_sent) == len({token for token, _ in staged_or_sent})


def within_budget(wrong_logins: int, lockout: Lockout, excused: int = 0) -> bool:
    """I6: wrong logins within the window, except those that the engine cannot know of, are within the budget."""
    return wrong_logins <= lockout.budget + excused


def is_clean(resets: int, wrong_logins: int) -> bool:
    """I7: a run without faults sent one reset and made no wrong login."""
    return resets == 1 and wrong_logins == 0


def in_step(vendor: MemoryVendor, current: Secret | None) -> bool:
    """I8: what readers get opens the account, and its machine is not left stopped."""
    return current is not None and current == vendor.live and vendor.power is not Power.STOPPED


def shows(text: str, passwords: Iterable[Secret]) -> bool:
    """I9: the text holds one of these passwords."""
    return any(each.reveal() in text for each in passwords)


def one_sender(holders_at_work: int) -> bool:
    """I12: exactly one run that is still at work holds the lease, the sender."""
    return holders_at_work == 1
