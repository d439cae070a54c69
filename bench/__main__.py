"""Measure, print one table and, on request, JSON lines: ``python -m bench [--json FILE] [PART ...]``.

Without a part all of them run, in a few minutes. Exits with 1 when a required bound is missed; see ``bench.figures``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import calls, cold_start, gap, kv_fleet, package, passwords
from bench.figures import Figure, lines, table
from bench.rounds import measure as rounds

PARTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "calls": calls.measure,
    "gap": gap.measure,
    "cold_start": cold_start.measure,
    "package": package.measure,
    "passwords": passwords.measure,
    "rounds": rounds.measure,
    "kv_fleet": kv_fleet.measure,
}


def main() -> int:
    """Measure the parts that are named, and print. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Lockstep.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)}; all by default")
    parser.add_argument("--json", metavar="FILE", help="write JSON lines there; - for standard output, without a table")
    chosen = parser.parse_args()
    unknown = sorted({*chosen.parts} - {*PARTS})
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    figures: list[Figure] = []
    for name in chosen.parts or PARTS:
        sys.stderr.write(f"measuring {name} ")
        begin = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):  # the function's own log lines
            figures.extend(PARTS[name]())
        sys.stderr.write(f"({time.perf_counter() - begin:.0f} s)\n")
    if chosen.json != "-":
        sys.stdout.write(table(figures) + "\n")
    else:
        sys.stdout.write(lines(figures) + "\n")
    if chosen.json not in (None, "-"):
        Path(chosen.json).write_text(lines(figures) + "\n")
    missed = [each.name for each in figures if each.state == "missed"]
    for name in missed:
        sys.stderr.write(f"missed: {name}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
