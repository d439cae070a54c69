"""Every cell of the guard table, against what is written out here."""

from __future__ import annotations

import pytest

from rotation.core.values import Step
from rotation.engine.tables.step_guard import GUARD, Cell, Standing, standing
from rotation.state.versions import SecretState, Version

CELLS = """
absent     refuse   refuse     refuse          refuse
empty      run      not yet    verify current  not yet
staged     done     run        verify current  refuse
attempted  done     reconcile  run             run if verified, else verify first
current    done     done       done            done
stale      refuse   refuse     refuse          refuse
"""
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


def _cells() -> list[tuple[str, str, str]]:
    rows = [[part.strip() for part in line.split("  ") if part.strip()] for line in CELLS.strip().splitlines()]
    return [(row[0], step, cell) for row in rows for step, cell in zip(STEPS, row[1:], strict=True)]


@pytest.mark.parametrize(("where", "step", "cell"), _cells())
def test_guard_cell(where: str, step: str, cell: str) -> None:
    """Each of the 24 cells says what is written out above."""
    assert GUARD[Standing(where), Step(step)] is Cell(cell)


def test_the_guard_table_is_complete_and_fixed() -> None:
    """The table has 24 cells, and none can be changed at run time."""
    assert len(_cells()) == len(GUARD) == 24
    with pytest.raises(TypeError):
        GUARD[Standing.ABSENT, Step.SET] = Cell.RUN  # type: ignore[index]  # the point of the test


def _state(labels: str | None) -> SecretState:
    versions = {"c": Version.from_labels("c", {"AWSCURRENT"})}
    if labels is not None:
        versions["t"] = Version.from_labels("t", labels.split())
    return SecretState(rotation_enabled=True, versions=versions)


@pytest.mark.parametrize(
    ("labels", "has_value", "where"),
    [
        (None, True, "absent"),
        (None, False, "absent"),
        ("AWSPENDING", False, "empty"),
        ("AWSPENDING", True, "staged"),
        ("AWSPENDING lockstep:parked:too_soon:5", True, "staged"),
        ("AWSPENDING lockstep:lease:1:c lockstep:until:5:ab:1:c", True, "staged"),
        ("AWSPENDING lockstep:intent:5", True, "attempted"),
        ("AWSPENDING lockstep:intent:5", False, "attempted"),
        ("AWSPENDING lockstep:intent:soon", True, "attempted"),
        ("AWSCURRENT", True, "current"),
        ("AWSCURRENT AWSPENDING", True, "current"),
        ("AWSCURRENT AWSPENDING lockstep:intent:5", False, "current"),
        ("AWSPREVIOUS", True, "stale"),
        ("lockstep:intent:5", True, "stale"),
        ("blue", False, "stale"),
    ],
)
def test_standing(labels: str | None, has_value: bool, where: str) -> None:  # noqa: FBT001 - a column of the table
    """Where a token's version stands, by its labels and whether it has a value."""
    assert standing(_state(labels), "t", has_value=has_value) is Standing(where)
