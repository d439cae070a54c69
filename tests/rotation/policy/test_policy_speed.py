"""Generation is fast, measured against the documented recipe within the same run."""

import subprocess
import sys
import time
from pathlib import Path

from bench.passwords import FOUR, RARE, recipe


def best(before, make, number):
    """Return the shorter of an earlier time and a new one, in seconds of this process for one call."""
    started = time.process_time()
    for _ in range(number):
        make()
    return min(before, (time.process_time() - started) / number)


def ratios():
    """Yield how many times faster we are, at most five times; a measurement ends as soon as it is six times."""
    for _ in range(5):
        ours = theirs = float("inf")
        for turn in range(40):
            ours, theirs = best(ours, FOUR.generate, 500), best(theirs, recipe, 100)
            if turn > 5 and theirs >= 6 * ours:
                yield theirs / ours
                return
        yield theirs / ours


def test_six_times_faster_than_the_documented_recipe(unmeasured):
    """The best round of each counts, and they take turns, so a busy machine can only delay the result.

    A child measures, because coverage slows what it measures: our code, and not the recipe.
    """
    run = [sys.executable, __file__]
    root = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60, env=unmeasured | root)
    assert float(done.stdout) >= 6


def test_one_draw_in_a_million_takes_less_than_a_millisecond():
    """A policy that accepts less than one whole string in a million generates in less than a millisecond."""
    assert RARE.acceptance() < 1e-6
    RARE.generate()
    took = float("inf")
    for _ in range(20):
        took = best(took, RARE.generate, 100)
        if took < 1e-3:
            break
    assert took < 1e-3


if __name__ == "__main__":
    sys.stdout.write(f"{max(ratios())}\n")
