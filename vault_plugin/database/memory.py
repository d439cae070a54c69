"""What a plug-in process remembers of an account from one call to the next: marks and a digest, never a password.

Vault's write-ahead log holds the candidate and hands it in again until the plug-in reports success. What is lost with
the process costs at most one more reset with the same candidate.

``AccountMemory.begin`` condenses earlier candidates. Example: candidate A was rejected once at 10:00 and once at 10:01,
then Vault comes with candidate B. B starts without marks; ``before`` keeps "2 wrong logins, the latest at 10:01", so B
does not get a fresh budget. If A had been proved, ``before`` would keep the time of its reset, too: that is when the
present password was set, which a minimum age needs.
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
"""The id of the version that works until a candidate does; the plug-in does not know its password."""


@dataclass(slots=True)
class AccountMemory:
    """What is known of one account at a vendor.

    Attributes:
        busy: held while a call works on the account.
        token: the id of the latest call's candidate.
        candidate: the marks of that candidate.
        before: what earlier candidates left: wrong logins, locks, the time of the last successful reset.
    """

    busy: threading.Lock = field(default_factory=threading.Lock)
    token: str = "none"  # noqa: S105 - a version's name
    candidate: frozenset[Mark] = frozenset()
    before: frozenset[Mark] = frozenset()

    def begin(self, token: str, *, since: float) -> None:
        """Begin with a candidate, by its id, unless it is the latest call's. Wrong logins count from ``since``."""
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

    def keep(self, state: SecretState) -> None:
        """Keep the marks that a call left."""
        candidate, before = state.versions.get(self.token), state.versions.get(BEFORE)
        self.candidate = frozenset() if candidate is None else candidate.marks
        self.before = frozenset() if before is None else before.marks


def _version(version_id: str, kept: frozenset[Mark]) -> Version:
    return Version.from_labels(version_id, (mark.on(version_id) for mark in kept))


class Memory:
    """All accounts of one process, of all connections."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._accounts: dict[tuple[str, ...], AccountMemory] = {}
        self._lock = threading.Lock()

    def account(self, identity: tuple[str, ...]) -> AccountMemory:
        """Return what is known of the account with that identity."""
        with self._lock:
            return self._accounts.setdefault(identity, AccountMemory())

    def token(self, candidate: Secret) -> str:
        """Return an id for a candidate: the same for the same password, and useless outside of this process."""
        return hmac.digest(self._key, candidate.reveal().encode(errors="surrogatepass"), "sha256").hex()
