"""``with_passwords_of`` puts a candidate's passwords into the document that is current now."""

import pytest

from rotation.core.document import SecretDocument, with_passwords_of
from rotation.core.errors import SecretDocumentError, StageConflict

ONE = {"driver": "x", "username": "root", "password": "old"}
TWO = {"driver": "x", "all": [{"id": "a", "password": "old-a"}, {"id": "b", "password": "old-b"}]}


def test_a_batchs_passwords_go_to_their_places():
    """Each entry keeps its own keys, and notes are those of the candidate."""
    new = {**TWO, "all": [{"id": "a", "password": "1", "lockstep": "power=running"}, {"id": "b", "password": "2"}]}
    now = {
        **TWO,
        "note": 1,
        "all": [{"id": "a", "password": "x", "y": 2}, {"id": "b", "password": "x", "lockstep": "power=stopped"}],
    }
    both = [{"id": "a", "password": "1", "y": 2, "lockstep": "power=running"}, {"id": "b", "password": "2"}]
    merged = with_passwords_of(SecretDocument(new), SecretDocument(now))
    assert merged == SecretDocument({"driver": "x", "note": 1, "all": both})


@pytest.mark.parametrize(
    ("candidate", "current"),
    [(ONE, TWO), (TWO, ONE), (TWO, {**TWO, "all": TWO["all"][1:]}), (TWO, {"driver": "x", "others": TWO["all"]})],
)
def test_lists_that_differ_are_a_conflict(candidate, current):
    """Passwords are matched by place, so both documents must have the same places."""
    with pytest.raises(StageConflict):
        with_passwords_of(SecretDocument(candidate), SecretDocument(current))


def test_a_candidate_without_a_password_is_no_candidate():
    """The current password would be written as if it were new, so this is an error."""
    with pytest.raises(SecretDocumentError):
        with_passwords_of(SecretDocument({"driver": "x"}), SecretDocument({"driver": "x"}))
