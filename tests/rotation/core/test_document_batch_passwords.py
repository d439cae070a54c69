"""``with_passwords_of`` puts a candidate's passwords into the document that is current now."""

import json

import pytest

from rotation.core.document import SecretDocument, turned, with_passwords_of
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


def test_a_candidates_account_comes_first_where_two_take_turns():
    """Every key that is there twice is exchanged, an edit that was made meanwhile stays, and the password is new."""
    now = {
        "username": "a",
        "id": "1",
        "password": "a1",
        "alternate_username": "b",
        "alternate_id": "2",
        "url": "https://b.example",
        "alternate_url": "https://a.example",
        "owner": "edited",
    }
    new = {
        "username": "b",
        "id": "2",
        "password": "b1",
        "alternate_username": "a",
        "alternate_id": "1",
        "lockstep": "x",
    }
    assert json.loads(with_passwords_of(SecretDocument(new), SecretDocument(now)).dump().reveal()) == {
        **now,
        "username": "b",
        "id": "2",
        "password": "b1",
        "alternate_username": "a",
        "alternate_id": "1",
        "url": "https://a.example",
        "alternate_url": "https://b.example",
        "lockstep": "x",
    }


def test_a_candidate_of_the_account_that_is_current_is_a_conflict():
    """Its password would become that of the other account."""
    now = {"username": "a", "password": "a1", "alternate_username": "b"}
    with pytest.raises(StageConflict):
        with_passwords_of(SecretDocument({**now, "password": "a2"}), SecretDocument(now))


def test_a_document_of_one_account_is_not_turned():
    """Only ``alternate_username`` says that there are two; turned twice, a document is what it was."""
    alone = SecretDocument({"username": "a", "id": "1", "alternate_id": "2", "password": "a1"})
    assert turned(alone) is alone
    pair = SecretDocument(
        {**alone, "alternate_username": "b", "alternate_alternate_id": "3", "alternate_password": "x"}
    )
    once = turned(pair)
    assert (once["id"], once["alternate_id"], once["alternate_alternate_id"]) == ("2", "1", "3")
    assert (once["password"], once["alternate_password"]) == (pair["password"], "x")
    assert dict(turned(once)) == dict(pair)
