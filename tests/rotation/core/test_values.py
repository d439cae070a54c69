"""Facts about the values that all packages share."""

from __future__ import annotations

import pytest

from rotation.core.errors import EventError
from rotation.core.values import Evidence, Lockout, Step


@pytest.mark.parametrize(("verb", "step"), [(step.name.lower(), step) for step in Step])
def test_both_spellings_of_a_step_are_accepted(verb: str, step: Step) -> None:
    """Real events say ``createSecret``, and AWS's user guide says ``create_secret``."""
    assert step.value == f"{verb}Secret"
    assert Step.parse(f"{verb}Secret") is Step.parse(f"{verb}_secret") is step


@pytest.mark.parametrize(
    "text",
    ["", "CreateSecret", "createsecret", "create-secret", "createSecret ", "canary", None, 1, ["createSecret"], {}],
)
def test_no_other_step_is_known(text: object) -> None:
    """The error lists the four steps and does not quote the wrong one."""
    with pytest.raises(EventError, match="createSecret, setSecret, testSecret, finishSecret") as caught:
        Step.parse(text)
    assert "canary" not in str(caught.value)


def test_evidence_is_ordered() -> None:
    """A login proves more than a readback, which proves more than the vendor's yes."""
    assert Evidence.LOGIN > Evidence.READBACK > Evidence.ACCEPTED


def test_evidence_is_read_in_any_case() -> None:
    """Letter case and white space do not matter, and the error for anything else lists the choices."""
    assert Evidence.parse(" login\t") is Evidence.LOGIN
    with pytest.raises(ValueError, match="LOGIN, READBACK, ACCEPTED"):
        Evidence.parse("canary")


@pytest.mark.parametrize(
    ("tries", "reserve", "budget"), [(5, 2, 3), (10, 2, 8), (3, 2, 1), (2, 2, 1), (1, 2, 0), (5, 0, 4)]
)
def test_the_budget_leaves_tries_to_the_human_users(tries: int, reserve: int, budget: int) -> None:
    """The budget never holds the login that locks, and holds at least one where the first does not lock."""
    assert Lockout(tries=tries, window_seconds=300, reserve=reserve).budget == budget
