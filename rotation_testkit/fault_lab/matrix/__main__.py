"""``python -m rotation_testkit.fault_lab.matrix``: run the matrix, replay a line, or write the page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rotation_testkit.fault_lab.matrix.page import cells, page, row
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.campaign import campaign
from rotation_testkit.fault_lab.matrix.runs.explore import Tally
from rotation_testkit.fault_lab.matrix.runs.narrative import narrated, replayed
from rotation_testkit.fault_lab.matrix.worlds.setups import around_lines, lines, one_attempt_lines, reference_lines
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Return 0 when every promise held."""
    parser = argparse.ArgumentParser(prog="python -m rotation_testkit.fault_lab.matrix", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--singles", action="store_true", help="every single fault in every world")
    what.add_argument("--pairs", action="store_true", help="every pair of faults in every world")
    what.add_argument("--around", action="store_true", help="every single fault of what is around, in every world")
    what.add_argument("--around-pairs", action="store_true", help="each of those with every fault of an effect")
    what.add_argument("--doctor", action="store_true", help="every single fault, and then only the doctor")
    what.add_argument("--replay", metavar="LINE", help="print the narrative of one run")
    what.add_argument("--page", action="store_true", help="print docs/faults.md; runs all singles and pairs")
    parser.add_argument("--quick", action="store_true", help="with --page: without Lockstep's own pairs")
    parser.add_argument("--compare", type=Path, metavar="PAGE", help="fail where this page's table says otherwise")
    parser.add_argument("--only", default="", metavar="TEXT", help="only worlds whose line holds this")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: as many as cores)")
    chosen = parser.parse_args(arguments)
    if chosen.replay:
        return _replay(Line.parse(chosen.replay))
    if chosen.page:
        print(page(pairs=not chosen.quick, jobs=chosen.jobs, note=lambda text: print(text, file=sys.stderr)), end="")  # noqa: T201 - the command's output
        return 0
    every = one_attempt_lines() if chosen.doctor else around_lines() if chosen.around_pairs else lines()
    worlds = [line for line in every if chosen.only in str(line)]
    around = int(chosen.around or chosen.around_pairs)
    runs = campaign(
        worlds,
        2 if chosen.pairs else 0 if chosen.around else 1,
        around=around,
        jobs=chosen.jobs,
        attempts=1 if chosen.doctor else ATTEMPTS,
    )
    return _report(runs, len(worlds), chosen.compare)


def _replay(line: Line) -> int:
    for sentence in narrated(line):
        print(sentence)  # noqa: T201 - the command's output
    return 1 if replayed(line)[1].broken else 0


def _report(runs: Iterator[tuple[Line, Tally]], worlds: int, compared: Path | None) -> int:
    begun, bad, seconds = time.monotonic(), 0, 0.0
    known = set() if compared is None else set(compared.read_text().splitlines())
    for count, (line, tally) in enumerate(runs, 1):
        ends = ", ".join(
            f"{number} {end}" for end, number in [*sorted(tally.ends.items()), *sorted(tally.cures.items())]
        )
        spent, seconds = time.monotonic() - begun, seconds + tally.seconds
        print(f"[{count}/{worlds} {spent:4.0f} s] {line}: {tally.runs} runs: {ends}", flush=True)  # noqa: T201 - same
        for name in sorted(tally.broken):
            bad += tally.broken[name]
            example = replace(line, plan=tally.examples[name])
            print(f"    {name} broken by {tally.broken[name]} runs, as by {example}", flush=True)  # noqa: T201 - same
        if known and row(cells(line, tally)) not in known:
            bad += 1
            print(f"    {compared} says otherwise of this world: write it again with --page", flush=True)  # noqa: T201 - same
    references = len(list(reference_lines()))
    print(f"{bad} broken promises; {seconds:.0f} s of CPU in all")  # noqa: T201 - same
    print(f"{references} worlds of the reference algorithms are run for the page only")  # noqa: T201 - same
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
