"""Facts about the words of the product."""

from __future__ import annotations

import pytest

from rotation.core.errors import EventError
from rotation.core.values import Evidence, Lockout, Step


@pytest.mark.parametrize(
    ("camel", "snake", "step"),
    [
        ("createSecret", "create_secret", Step.CREATE),
        ("setSecret", "set_secret", Step.SET),
        ("testSecret", "test_secret", Step.TEST),
        ("finishSecret", "finish_secret", Step.FINISH),
    ],
)
def test_both_spellings_of_a_step_are_accepted(camel: str, snake: str, step: Step) -> None:
    """Real events say ``createSecret``, the user guide says ``create_secret``."""
    assert Step.parse(camel) is step
    assert Step.parse(snake) is step
    assert step.value == camel


@pytest.mark.parametrize(
    "text",
    ["", "CreateSecret", "createsecret", "create-secret", "createSecret ", "canary", None, 1, ["createSecret"], {}],
)
def test_no_other_step_is_known(text: object) -> None:
    """The error lists the four and quotes nothing."""
    with pytest.raises(EventError, match="createSecret, setSecret, testSecret, finishSecret") as caught:
        Step.parse(text)
    assert "canary" not in str(caught.value)


def test_evidence_is_ordered() -> None:
    """A login proves more than a read-back, that more than a yes."""
    assert Evidence.LOGIN > Evidence.READBACK > Evidence.ACCEPTED


def test_evidence_is_read_in_any_case() -> None:
    """As an environment variable may spell it; anything else lists the choices."""
    assert Evidence.parse(" login\t") is Evidence.LOGIN
    with pytest.raises(ValueError, match="LOGIN, READBACK, ACCEPTED"):
        Evidence.parse("canary")


@pytest.mark.parametrize(
    ("tries", "reserve", "budget"), [(5, 2, 3), (10, 2, 8), (3, 2, 1), (2, 2, 1), (1, 2, 0), (5, 0, 4)]
)
def test_the_budget_leaves_tries_to_the_human_users(tries: int, reserve: int, budget: int) -> None:
    """Never the try that locks; and one at least where that one does not."""
    assert Lockout(tries=tries, window_seconds=300, reserve=reserve).budget == budget
