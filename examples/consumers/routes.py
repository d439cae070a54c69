"""Which consumers events concern: commits become a set of targets, each with the time of its latest commit.

The routes are JSON: what a secret's name begins with, and the targets to restart. For example::

    {"arn:aws:secretsmanager:eu-central-1:111122223333:secret:lockstep/shop/": ["ecs:prod/web", "ecs:prod/worker"]}

Ten secrets under ``lockstep/shop/`` that are committed together restart each of the two services once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def targets_of(events: Iterable[Mapping[str, Any]], routes: Mapping[str, list[str]]) -> dict[str, datetime]:
    """Return the targets to restart, each with the time of the latest commit that concerns it.

    Only ``committed`` counts: before it, a restarted consumer would read the old password again.
    """
    found: dict[str, datetime] = {}
    for event in events:
        if event["kind"] != "committed":
            continue
        at = datetime.fromisoformat(event["at"])
        for prefix, targets in routes.items():
            if event["secret"].startswith(prefix):
                for target in targets:
                    found[target] = max(found.get(target, at), at)
    return found
