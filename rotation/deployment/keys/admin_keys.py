"""What every admin credential may say besides its driver's own keys: when its life ends.

A temporary credential has ``expires_at``. A run reads the secret again before that moment, and refuses a credential
that is over, since the vendor would answer every call with "wrong key".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from rotation.core.errors import SettingsError

EXPIRES_AT = "expires_at"


def expiry(document: Mapping[str, object], where: str) -> float:
    """Return the epoch second at which a credential's life ends; infinity where it does not say.

    Raises:
        SettingsError: ``expires_at`` is neither a date with a time zone nor epoch seconds.
    """
    said = document.get(EXPIRES_AT)
    if said is None:
        return math.inf
    try:
        return _moment(said)
    except (ValueError, OverflowError):
        rule = f"{EXPIRES_AT} must be a time such as 2026-11-22T10:00:00Z, or seconds since 1970"
        raise SettingsError(where, (rule,)) from None


def _moment(said: object) -> float:
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    text = str(said)
    if text.isdigit() and len(text) < 12:  # noqa: PLR2004 - seconds, not milliseconds
        return float(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(said)
    return moment.astimezone(UTC).timestamp()
