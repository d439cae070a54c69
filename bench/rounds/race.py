"""Time whole rounds of 200 static roles by the server's own scheduler, for two plug-ins in turns."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from rotation.drivers.registry import vendor_policies
from rotation.policy.render import to_hcl
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.processes.process_table import children
from vault_plugin.database import VERSION

VENDOR_POLICIES = vendor_policies()

ROOT = Path(__file__).parents[2]
ROLES, PATIENCE = 200, 240.0
# Its checksum covers this launcher only, which is enough for a measurement.
LAUNCHER = """#!{python} -I
import sys
sys.path.insert(0, {root!r})
from bench.rounds.plugin import main
main()
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One tick's work: seconds from the first role to the last, and of the plug-in's processor time."""

    seconds: float
    processor: float


class Side:
    """One plug-in with a mount of its own; the scheduler finds all its roles due at every tick.

    Args:
        server: a running one.
        kind: of ``bench.rounds.plugin``.
        tick: seconds between two looks of the scheduler; beyond the roles' period of 5.
    """

    def __init__(self, server: OpenBao, kind: str, tick: int) -> None:
        self.server, self.kind = server, kind
        self.log = server.home / kind
        self.adapter = server.client().adapter
        text = LAUNCHER.format(python=sys.executable, root=str(ROOT))
        launcher = server.plugins / "bench"
        launcher.write_text(text)
        launcher.chmod(0o755)
        body = {"sha256": sha256(text.encode()).hexdigest(), "command": "bench", "args": [kind, str(self.log)]}
        self._post(f"sys/plugins/catalog/database/{kind}", {**body, "version": VERSION})
        self._post("sys/policies/password/bench", {"policy": _policy()})
        self._post(f"sys/mounts/{kind}", {"type": "database", "options": {"rotation_queue_tick_interval": str(tick)}})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self.adapter.post(f"/v1/{path}", json=body)

    def connect(self, connections: int) -> None:
        """Make so many connections, ``c0`` and so on."""
        body = {"plugin_name": self.kind, "driver": "bench_instant", "allowed_roles": "*", "password_policy": "bench"}
        self._each(connections, lambda number: self._post(f"{self.kind}/config/c{number}", body))

    def make_roles(self) -> None:
        """Make the roles, each of which is rotated at once."""
        body = {"db_name": "c0", "rotation_period": 5}
        self._each(
            ROLES, lambda number: self._post(f"{self.kind}/static-roles/r{number}", {**body, "username": f"u-{number}"})
        )

    @staticmethod
    def _each(count: int, act: Callable[[int], None]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(act, range(count)))

    @property
    def process(self) -> int:
        """The plug-in's process id."""
        return next(pid for pid in children(self.server.pid) if self.kind in _arguments(pid))

    def moments(self) -> list[float]:
        """Return when each password was set since the roles were made."""
        return [float(line) for line in self.log.read_text().split()][ROLES:]


def race(sides: list[Side], count: int) -> tuple[dict[str, list[Round]], float]:
    """Time so many rounds of each side.

    Returns:
        The rounds of each, and the slowest read of a role's credential meanwhile, in seconds.
    """
    spent: dict[str, list[float]] = {side.kind: [] for side in sides}
    end, slowest = time.monotonic() + PATIENCE, 0.0
    while any(len(marks) <= count for marks in spent.values()):
        if time.monotonic() > end:
            raise TimeoutError(f"the scheduler did not end {count} rounds within {PATIENCE:.0f} s")
        for side in sides:
            if len(side.moments()) >= ROLES * len(spent[side.kind]):
                spent[side.kind].append(cpu(side.process))
            begin = time.perf_counter()
            side.adapter.get(f"/v1/{side.kind}/static-creds/r0")
            slowest = max(slowest, time.perf_counter() - begin)
        time.sleep(0.2)
    return {side.kind: _rounds(side.moments(), spent[side.kind]) for side in sides}, slowest


def _rounds(moments: list[float], spent: list[float]) -> list[Round]:
    found = []
    for number, (before, after) in enumerate(pairwise(spent)):
        mine = moments[number * ROLES : (number + 1) * ROLES]
        found.append(Round(mine[-1] - mine[0], after - before))
    return found


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def _arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _policy() -> str:
    return to_hcl(vendor_policies()["volcengine_cloudidentity"]["default"]).text
