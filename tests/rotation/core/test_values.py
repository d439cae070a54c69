"""Facts about the values that all packages share."""

import pytest

from rotation.core.errors import EventError
from rotation.core.values import Evidence, Lockout, Step


@pytest.mark.parametrize(("verb", "step"), [(step.name.lower(), step) for step in Step])
def test_both_spellings_of_a_step_are_accepted(verb, step):
    """Real events say ``createSecret``, and AWS's user guide says ``create_secret``."""
    assert step.value == f"{verb}Secret"
    assert Step.parse(f"{verb}Secret") is Step.parse(f"{verb}_secret") is step


@pytest.mark.parametrize(
    "text",
    ["", "CreateSecret", "createsecret", "create-secret", "createSecret ", "canary", None, 1, ["createSecret"], {}],
)
def test_no_other_step_is_known(text):
    """The error lists the four steps and does not quote the wrong one."""
    with pytest.raises(EventError, match="createSecret, setSecret, testSecret, finishSecret") as caught:
        Step.parse(text)
    assert "canary" not in str(caught.value)


def test_evidence_is_ordered_and_read_in_any_case():
    """A login proves more than a readback, which proves more than the vendor's yes; an error lists these choices."""
    assert Evidence.parse(" login\t") is Evidence.LOGIN > Evidence.READBACK > Evidence.ACCEPTED
    with pytest.raises(ValueError, match="LOGIN, READBACK, ACCEPTED"):
        Evidence.parse("canary")


@pytest.mark.parametrize(
    ("tries", "reserve", "budget"), [(5, 2, 3), (10, 2, 8), (3, 2, 1), (2, 2, 1), (1, 2, 0), (5, 0, 4)]
)
def test_the_budget_leaves_tries_to_the_human_users(tries, reserve, budget):
    """The budget never holds the login that locks, and holds at least one where the first does not lock."""
    assert Lockout(tries=tries, window_seconds=300, reserve=reserve).budget == budget
