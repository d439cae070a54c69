"""``lockstep simulate-faults``."""

import pytest

from rotation.core.values import Evidence
from rotation.engine.account import proof


def test_a_run_without_violation_exits_0(lockstep):
    """The report says how many schedules were played and how fast."""
    ran = lockstep("simulate-faults", "--seed", "3", "--runs", "20", "--workers", "1", "--json")
    (record,) = ran.objects
    assert ran.code == 0
    assert (record["holds"], record["seed"], record["runs"], record["violation"]) == (True, 3, 20, None)
    assert record["runs_per_second"] > 0

    ran = lockstep("simulate-faults", "--runs", "5", "--workers", "1")
    assert (ran.code, ran.err) == (0, "")
    assert "seed 1: 5 schedules" in ran.out
    assert "no violation" in ran.out


def test_a_violation_exits_1_with_a_script_that_can_be_played_again(lockstep, monkeypatch, tmp_path):
    """An engine that commits before it verifies violates I2, and its script shows that again."""
    saved = tmp_path / "violation.jsonl"
    monkeypatch.setattr(proof, "_find", lambda *_, **__: Evidence.LOGIN)
    ran = lockstep("simulate-faults", "--seed", "1", "--workers", "1", "--save", str(saved))
    assert ran.code == 1
    assert ran.err.startswith("I2: ")
    assert ran.out.endswith(saved.read_text(encoding="utf-8"))

    ran = lockstep("simulate-faults", "--replay", str(saved), "--json")
    (record,) = ran.objects
    assert (ran.code, record["holds"]) == (1, False)
    assert record["trace"][-1] == record["violation"]
    assert record["violation"].startswith("I2: ")

    monkeypatch.undo()
    ran = lockstep("simulate-faults", "--replay", str(saved))
    assert ran.code == 0
    assert "finishSecret" in ran.out
    assert "every invariant held" in ran.out


@pytest.mark.parametrize("where", ["missing/folder", ".", "a" * 300])
def test_a_place_that_takes_no_file_is_told_before_anything_is_played(lockstep, tmp_path, where):
    """A place that cannot be written is refused at once, because the finding would be lost after minutes."""
    ran = lockstep("simulate-faults", "--save", str(tmp_path / where))
    assert (ran.code, ran.out) == (2, "")
    assert "cannot write" in ran.err


def test_a_finding_that_cannot_be_saved_any_more_is_printed(lockstep, monkeypatch, tmp_path):
    """A script whose folder went away while the schedules were played is printed."""
    folder = tmp_path / "gone"
    folder.mkdir()

    def prove(*_, **__):
        if folder.exists():
            folder.rmdir()
        return Evidence.LOGIN

    monkeypatch.setattr(proof, "_find", prove)
    ran = lockstep("simulate-faults", "--seed", "1", "--workers", "1", "--save", str(folder / "violation.jsonl"))
    assert ran.code == 4
    assert '{"fleet": [' in ran.out
    assert "config_error: cannot write" in ran.err


@pytest.mark.parametrize("arguments", [("--runs", "0"), ("--replay", "no-such-file"), ("--workers", "-1")])
def test_wrong_usage_exits_2(lockstep, arguments):
    """Wrong usage exits with 2 and plays nothing."""
    ran = lockstep("simulate-faults", *arguments)
    assert (ran.code, ran.out) == (2, "")


def test_a_file_that_is_no_script_is_an_error(lockstep, tmp_path):
    """A file that is no script is a ``script_error``."""
    wrong = tmp_path / "wrong"
    wrong.write_text("no script", encoding="utf-8")
    ran = lockstep("simulate-faults", "--replay", str(wrong))
    assert ran.code == 4
    assert "script_error" in ran.err
