"""A line is enough to see its run again."""

import os
import subprocess
import sys

from rotation_testkit.fault_lab.matrix.__main__ import main
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer
from rotation_testkit.fault_lab.matrix.runs.narrative import narrated
from rotation_testkit.fault_lab.matrix.worlds.setups import make

NARRATIVES = """
import hashlib
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.narrative import narrated
lines = [f"matrix:self/memory/10:{at}.before.cancelled" for at in range(17, 38, 2)]
print(hashlib.sha256("".join(each for line in lines for each in narrated(Line.parse(line))).encode()).hexdigest())
"""


def test_a_line_is_the_same_run_in_every_process():
    """A run does not depend on the order in which a set yields its labels."""
    stories = {
        subprocess.run(
            [sys.executable, "-c", NARRATIVES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(stories) == 1
    assert len(stories.pop()) == 65


def test_the_narrative_names_the_fault_and_shows_no_password(capsys):
    """A narrative can be shown on a terminal and pasted into a bug report."""
    line = Line.parse("matrix:self/aws/10:19.after.slow")

    assert main(["--replay", str(line)]) == 0

    shown = capsys.readouterr().out
    assert "<-- after.slow" in shown
    assert "end: healed" in shown
    assert "Candidate0" not in shown
    assert "First0Password" not in shown


def test_a_lost_password_is_reported(capsys):
    """A replay of what a reference algorithm loses ends with 1 and says so."""
    explorer = Explorer(make(Line("write_ahead", "self", "own", 10)))
    plan = explorer.runs(1).examples[End.LOST.value]
    line = Line("write_ahead", "self", "own", 10, plan)

    assert main(["--replay", str(line)]) == 1

    assert "end: lost" in capsys.readouterr().out
    assert list(narrated(line)) == list(narrated(line))
