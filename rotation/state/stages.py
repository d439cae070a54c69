"""The staging labels that the engine reads and moves, and the quota of labels that every store keeps to."""

from __future__ import annotations

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"

MOST_LABELS = 20
"""Across all versions of a secret, by AWS's quotas page; hence not 20 per version. A journal keeps to it, too."""
NEEDED_LABELS = 10
"""Of one account's rotation, at its peak: pending, two generations of the lease, an announcement, intent, task or yes,
charge, parking, count of failures, proof."""
