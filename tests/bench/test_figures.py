"""The table, the JSON lines, and the exit code that follows from the bounds."""

import json
import sys

import pytest

from bench import __main__ as program
from bench import figures
from bench.figures import Bound, Figure


@pytest.fixture
def row(monkeypatch):
    """Make a row with a bound of its own."""

    def make(value, bound):
        monkeypatch.setitem(figures.BOUNDS, "part/row", bound)
        return Figure(key="part/row", name="a row", value=value, unit="calls", detail="1 + 2")

    return make


@pytest.mark.parametrize(
    ("value", "bound", "state"),
    [
        (6, Bound(6), "kept"),
        (7, Bound(6), "open"),
        (7, Bound(6, required=True), "missed"),
        (6, Bound(6, least=True, required=True), "kept"),
        (5, Bound(6, least=True, required=True), "missed"),
    ],
)
def test_only_a_required_bound_can_be_missed(row, value, bound, state):
    """An open bound becomes a required one by one word in its row."""
    assert row(value, bound).state == state


def test_people_get_columns_and_machines_get_one_object_per_line(row):
    """Both show value, unit, bound, state and detail."""
    figure = row(7, Bound(6))
    assert " ".join(figures.table([figure]).split()).endswith("a row 7 calls <= 6 open 1 + 2")
    assert json.loads(figures.lines([figure])) == {
        "bench": "part/row",
        "name": "a row",
        "value": 7,
        "unit": "calls",
        "detail": "1 + 2",
        "bound": "<= 6",
        "state": "open",
    }


@pytest.mark.parametrize(("required", "code"), [(False, 0), (True, 1)])
def test_the_program_fails_where_a_required_bound_is_missed(row, *, required, code, monkeypatch, capsys):
    """What a part writes to standard output while it measures is not part of the result."""

    def part():
        sys.stdout.write("a log line\n")
        yield row(7, Bound(6, required=required))

    monkeypatch.setattr(program, "PARTS", {"part": part})
    monkeypatch.setattr("sys.argv", ["bench", "--json", "-"])
    assert program.main() == code
    assert [json.loads(line)["bench"] for line in capsys.readouterr().out.splitlines()] == ["part/row"]
