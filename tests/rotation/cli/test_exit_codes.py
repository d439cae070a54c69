"""Exit codes: who has to act after each error, and one table of what they mean."""

import inspect
from pathlib import Path

import pytest

from rotation.cli.exit_codes import EXIT_CODES, CommandUsageError, exit_code, worst
from rotation.core import errors
from rotation.core.errors import InternalError, Interrupted, Parked, RotationError, StoreFull
from rotation.state.parking import PARKING, Reason

README = (Path(__file__).parents[3] / "README.md").read_text()
CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, RotationError) and each not in (Parked, Interrupted, errors.SettingsError)
]
BY_ITSELF = {errors.TooSoon, errors.InProgress}


def parked(reason):
    """Return the error of a parked attempt."""
    return Parked("parked", reason=reason, not_before=None)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
def test_an_error_that_does_not_pass_by_itself_needs_a_human(cls):
    """A retryable error fails, one with a time waits, and every other one is for a person."""
    expected = 3 if cls in BY_ITSELF else 1 if cls.retryable else 4
    assert exit_code(cls("text")) == expected
    timed = 3 if cls.retryable or cls is StoreFull else 4
    assert exit_code(cls("text", not_before=1.0)) == timed


@pytest.mark.parametrize("reason", Reason)
def test_a_parked_attempt_says_who_acts(reason):
    """One that continues by itself waits; one that does not, or whose reason nobody knows, needs a human."""
    assert exit_code(parked(reason)) == (3 if PARKING[reason].by_itself else 4)
    assert exit_code(parked("of_another_release")) == 4


def test_the_shells_own_codes_stay():
    """Wrong usage is 2 and an interrupt 130, whatever else the errors say."""
    assert exit_code(CommandUsageError("text")) == 2
    assert exit_code(Interrupted("text", not_before=1.0)) == 130
    assert exit_code(InternalError("text")) == 1


def test_of_many_the_code_is_that_of_the_one_that_asks_for_most():
    """An interrupt comes first, then a human, then a failure, then a wait."""
    order = [130, 2, 4, 1, 3, 0]
    assert [worst(order[number:]) for number in range(len(order))] == order
    assert worst([]) == 0


def test_the_readme_has_the_same_table():
    """Meaning and remedy of every code stand in one place in the code, and README repeats them."""
    rows = [f"| {code} | {meaning} | {remedy} |" for code, (meaning, remedy) in EXIT_CODES.items()]
    assert "\n".join(rows) in README
