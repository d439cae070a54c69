"""The staging labels that the engine reads and moves."""

from __future__ import annotations

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
STAGES = frozenset({CURRENT, PENDING, PREVIOUS})
