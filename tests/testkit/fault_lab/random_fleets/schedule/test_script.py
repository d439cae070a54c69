"""A script is accepted whole, or refused before it begins with the line and the key that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rotation_testkit.fault_lab.random_fleets.runner import script_of
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, ScriptError

EVENT = '{"do": "attempt", "faults": [{"at": 1, "kind": "event", "do": %s}]}'
WRONG = {
    '{"do": "wait"}': "seconds is missing",
    '{"do": "wait", "seconds": -1}': "seconds must be a number",
    '{"do": "wait", "seconds": NaN}': "seconds must be a number",
    '{"do": "wait", "seconds": 1, "on": 0}': "on is no key here",
    '{"do": "nonsense"}': "do must be one of wait, ",
    '{"do": ["wait"]}': "do must be one of wait, ",
    '["wait"]': "is no object with `do`",
    "wait": "is not JSON",
    '{"do": "attempt", "skew": true}': "skew must be a number from -8 to 8",
    '{"do": "attempt", "faults": 3}': "faults must be a list",
    '{"do": "attempt", "faults": ["crash"]}': "faults[0] must be an object",
    '{"do": "attempt", "faults": [{"kind": "crash"}]}': "faults[0].at is missing",
    '{"do": "attempt", "faults": [{"at": 0, "kind": "crash"}]}': "faults[0].at must be a whole number",
    '{"do": "attempt", "faults": [{"at": "sign", "kind": "crash"}]}': "faults[0].at must be one of set_password, ",
    '{"do": "attempt", "faults": [{"at": 1, "kind": ["crash"]}]}': "faults[0].kind must be one of crash, ",
    '{"do": "attempt", "faults": [{"at": 1, "kind": "pause"}]}': "faults[0].seconds is missing",
    '{"do": "attempt", "faults": [{"at": 1, "kind": "event"}]}': "faults[0].do is missing",
    EVENT % '{"do": "wait"}': "faults[0].do.seconds is missing",
    EVENT % (EVENT % '{"do": "attempt"}'): "faults[0].do.faults[0].kind must be one of crash, ",
    EVENT % '{"do": "parallel", "runs": [], "turns": 1}': "faults[0].do.do cannot be parallel",
    '{"do": "step", "step": "create"}': "step must be one of createSecret, ",
    '{"do": "parallel", "runs": [{"do": "wait"}], "turns": 1}': "runs[0] must be an object whose `do`",
    '{"do": "parallel", "runs": [{"do": "step"}], "turns": 1}': "runs[0].step is missing",
    '{"do": "strip", "what": "none"}': "what must be one of pending, ",
    '{"do": "enable", "yes": 1}': "yes must be true or false",
}


@pytest.mark.parametrize(("line", "message"), WRONG.items(), ids=range(len(WRONG)))
def test_a_line_that_cannot_be_played_is_named_by_line_and_key(line: str, message: str) -> None:
    """Blank lines count, as in an editor."""
    with pytest.raises(ScriptError) as caught:
        Script.parse(f'{{"fleet": ["admin"]}}\n\n{{"do": "attempt"}}\n{line}\n')
    assert f"line 4: {message}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n", '{"fleet": []}', '{"fleet": ["nobody"]}', '{"do": "attempt"}'])
def test_a_script_begins_with_its_classes(text: str) -> None:
    """Of which there is at least one, and none that is unknown."""
    with pytest.raises(ScriptError, match="the first line names no classes"):
        Script.parse(text)


def test_every_schedule_is_a_script() -> None:
    """What the simulation finds can be written down and read again, to the last key."""
    for number in range(500):
        script = script_of(7, number)
        assert Script.parse(script.dump()) == script


def test_replay_names_the_line_and_plays_nothing(lockstep: Any, tmp_path: Path) -> None:
    """The first violation is no internal error, and the engine gets no blame."""
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"fleet": ["admin"]}\n{"do": "wait"}\n{"do": "attempt", "faults": 3}\n', encoding="utf-8")
    ran = lockstep("simulate-faults", "--replay", str(wrong), "--json")
    (error,) = ran.objects
    assert (ran.code, error["code"]) == (4, "script_error")
    assert error["message"] == "line 2: seconds is missing; line 3: faults must be a list"
