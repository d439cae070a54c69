"""What one plug-in process remembers of an account between two calls: marks and a digest, never a password.

Vault's write-ahead log holds the candidate, and hands it in again until we report success. What is lost with the
process costs at most one more reset with the same candidate.
"""

from __future__ import annotations

import hmac
import os
import threading
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation.state import marks
from rotation.state.marks import Mark
from rotation.state.parking import known
from rotation.state.versions import SecretState, Version

BEFORE = "before-this-candidate"
"""Stands for the password that works until a candidate does; nobody hands it to a plug-in."""


@dataclass(slots=True)
class Account:
    """One account at a vendor.

    Attributes:
        busy: held while a call works on it.
        token: names the candidate of the latest call.
        candidate: marks of that candidate.
        before: what earlier candidates left behind: wrong logins, locks, when the last one went live.
    """

    busy: threading.Lock = field(default_factory=threading.Lock)
    token: str = "none"  # noqa: S105 - a version's name
    candidate: frozenset[Mark] = frozenset()
    before: frozenset[Mark] = frozenset()

    def turn_to(self, token: str, *, since: float) -> None:
        """Begin with a candidate, or go on with the one that was there.

        Args:
            token: the candidate's name.
            since: epoch from which wrong logins count.
        """
        if token == self.token:
            return
        both = candidate, before = _version(self.token, self.candidate), _version(BEFORE, self.before)
        left: set[Mark] = set()
        wrong, latest = SecretState(True, {version.id: version for version in both}).wrong_logins(since=since)  # noqa: FBT003 - a dataclass of the engine
        if wrong:
            left.add(marks.rejected(wrong, latest))
        live = before if candidate.verified is None else candidate
        if live.intent is not None:
            left.add(marks.intent(live.intent))
        for version in both:
            reason, until = version.parked or ("", 0.0)
            parking = known(reason)
            if parking is not None and parking.account_wide:
                left.add(marks.parked(reason, until))
        self.token, self.candidate, self.before = token, frozenset(), frozenset(left)

    def learn(self, state: SecretState) -> None:
        """Keep the marks that a call left."""
        candidate, before = state.versions.get(self.token), state.versions.get(BEFORE)
        self.candidate = frozenset() if candidate is None else candidate.marks
        self.before = frozenset() if before is None else before.marks


def _version(version_id: str, kept: frozenset[Mark]) -> Version:
    return Version.from_labels(version_id, (mark.on(version_id) for mark in kept))


class Memory:
    """All accounts of one process, whichever connection they came by."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._accounts: dict[tuple[str, ...], Account] = {}
        self._lock = threading.Lock()

    def account(self, identity: tuple[str, ...]) -> Account:
        """Return the account of that identity."""
        with self._lock:
            return self._accounts.setdefault(identity, Account())

    def token(self, candidate: Secret) -> str:
        """Return a name for a candidate: the same for the same password, and of no use outside this process."""
        return hmac.digest(self._key, candidate.reveal().encode(errors="surrogatepass"), "sha256").hex()
