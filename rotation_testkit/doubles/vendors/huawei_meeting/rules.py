"""Huawei Meeting's rules: switches for what its documents leave open, its error codes, its password rule."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# HTTP status and text per USG code. Confirmed as 400: 206030008, 009, 013, 014, 018 and 201040000 (vendor's pages);
# 401, 412 and 423 exist on the login call; the others are likely, not known.
CODES: Mapping[str, tuple[int, str]] = {
    "200000001": (500, "System busy"),
    "200000002": (500, "Internal error"),
    "200000003": (400, "Invalid parameter"),
    "200000004": (400, "Illegal request"),
    "200000005": (500, "System upgrading"),
    "201040000": (400, "The user does not exist"),
    "201040016": (400, "The password is not secure enough"),
    "206010000": (401, "Incorrect account or password"),
    "206010007": (412, "The account is not activated"),
    "206010011": (400, "A verification code is needed"),
    "206010012": (400, "Incorrect verification code"),
    "206010025": (401, "App ID authentication failed"),
    "206010057": (401, "App ID authentication expired"),
    "206010058": (401, "The app ID is not bound"),
    "206010064": (400, "Wrong site"),
    "206020000": (401, "Invalid token"),
    "206020002": (401, "The token was kicked out"),
    "206030000": (400, "The user does not exist"),
    "206030005": (400, "The password may not be changed"),
    "206030006": (400, "Incorrect old password"),
    "206030007": (400, "Invalid password length"),
    "206030008": (400, "The password is not complex enough"),
    "206030009": (400, "The password was used recently"),
    "206030010": (400, "Too many repeated characters"),
    "206030011": (400, "Changed within the last 5 minutes"),
    "206030012": (400, "The password contains the account or its reverse"),
    "206030013": (400, "Fewer than 2 different characters"),
    "206030014": (400, "Invalid password format"),
    "206030015": (423, "The user is locked, retry in 60 seconds"),
    "206030016": (403, "No right to change another user's password"),
    "206030028": (400, "SSO is enabled, the password cannot be changed"),
    "206030031": (400, "Huawei account, change the password there"),
}

_SPECIALS = "`~!@#$%^&*()-_=+\\|[{}];:,'<.>/?"
_LENGTHS = range(8, 33)
_KINDS = 2
_DIFFERENT = 2


@dataclass(slots=True)
class MeetingRules:
    """What the vendor states, and what its documents leave open. Times are seconds.

    The strictest reading is the default: name *contained*, three equal characters refused, ``"`` not allowed.
    """

    min_age: float = 300
    history: int = 5
    lock_after: int = 5
    lock_window: float = 300
    lock_seconds: float = 300  # the error text says 60, the user guide 5 minutes
    token_seconds: int = 43_200
    refresh_seconds: int = 2_592_000
    most_tokens: int = 64
    max_age_days: int = 90
    old_password_first: bool = True  # off: the minimum age is checked before the old password
    tokens_die_on_change: bool = False
    name_contained: bool = True  # off: only a password *equal* to the name is refused
    most_repeats: int = 2  # 3 for the reading of the zh page
    double_quote: bool = False
    change_body: bool = False  # the sample answer has a body of 143 bytes, the table none
    envelope: tuple[str, str] = ("error_code", "error_msg")
    statuses: dict[str, int] = field(default_factory=dict)  # overrides of CODES

    def complaint(self, new: str, *, old: str, recent: Iterable[str], names: Iterable[str]) -> str | None:
        """Return the code of the first part of the rule that a new password breaks, or ``None``."""
        specials = _SPECIALS + ('"' if self.double_quote else "")
        kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, specials)
        checks = (
            ("206030007", len(new) not in _LENGTHS),
            ("206030014", any(all(letter not in kind for kind in kinds) for letter in new)),
            ("206030008", sum(any(letter in kind for letter in new) for kind in kinds) < _KINDS),
            ("206030010", _longest_run(new) > self.most_repeats),
            ("206030012", self._names(new.lower(), names)),
            ("206030009", new == old or new in recent),
            ("206030013", _differences(new, old) < _DIFFERENT),
        )
        return next((code for code, broken in checks if broken), None)

    def _names(self, new: str, names: Iterable[str]) -> bool:
        forbidden = {form for name in names if name for form in (name.lower(), name.lower()[::-1])}
        return any(name in new if self.name_contained else name == new for name in forbidden)


def _longest_run(text: str) -> int:
    longest = run = 0
    for index, letter in enumerate(text):
        run = run + 1 if index and letter == text[index - 1] else 1
        longest = max(longest, run)
    return longest


def _differences(new: str, old: str) -> int:
    """Count as the strictest reading does: letters that the old one lacks (never more than the places that differ)."""
    return len(set(new) - set(old))
