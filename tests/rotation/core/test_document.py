"""Facts about ``SecretDocument``: it keeps what a store holds, and no error quotes it."""

import copy
import json
import pickle

import pytest

from rotation.core.document import Notes, SecretDocument, turned, with_passwords_of
from rotation.core.errors import SecretDocumentError, StageConflict
from rotation.core.values import Power

TEXT = '{"zeta": [1, {"b": null, "a": true}], "password": "canary", "username": "Zoë 😀", "n": 1.5, "driver": "acme"}'


def test_unknown_keys_and_key_order_survive_a_change():
    """``replaced`` keeps place, type and nesting of everything else, and does not change the original."""
    before = SecretDocument.parse(TEXT)
    changed = before.replaced(password="new", lockstep="power=running")
    assert before.password.reveal() == "canary"
    assert changed.dump().reveal() == TEXT.replace("canary", "new")[:-1] + ', "lockstep": "power=running"}'


@pytest.mark.parametrize("value", ["pässwörd", "密码", "😀", '"\\/\b\f\n\r\t', "\u2028", "\x7f"])
def test_every_character_survives_a_round_trip(value):
    """A password is read as it was stored, whatever characters it has."""
    stored = SecretDocument({"password": value}).dump().reveal()
    assert SecretDocument.parse(stored).password.reveal() == value
    assert json.loads(stored) == {"password": value}


MALFORMED = {
    "empty": "",
    "no JSON": "canary",
    "cut off": '{"password": "canary',
    "trailing": '{"password": "canary"} canary',
    "byte order mark": '\ufeff{"password": "canary"}',
    "single quotes": "{'password': 'canary'}",
    "array": '["canary"]',
    "string": '"canary"',
    "number": "7",
    "null": "null",
    "duplicate": '{"password": "canary", "password": "canary-2"}',
    "nested duplicate": '{"password": "canary", "x": [{"a": 1, "a": "canary"}]}',
    "NaN": '{"password": "canary", "x": NaN}',
    "infinity": '{"password": "canary", "x": -Infinity}',
    "too large a number": '{"password": "canary", "x": 1e999}',
    "endless integer": '{"password": "canary", "x": ' + "7" * 5000 + "}",
    "lone surrogate": '{"password": "canary\\ud800"}',
    "lone surrogate in a key": '{"password": "canary", "\\udfff": 1}',
    "deep arrays": '{"password": "canary", "x": ' + "[" * 30_000 + "]" * 30_000 + "}",
    "deep objects": '{"x":' * 30_000 + '"canary"' + "}" * 30_000,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_value_is_refused_without_being_quoted(case):
    """The error has no cause or context: json's own error would hold the whole text."""
    with pytest.raises(SecretDocumentError) as caught:
        SecretDocument.parse(MALFORMED[case])
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "canary" not in repr(caught.value.describe())


def test_a_value_of_the_largest_size_is_read():
    """A document as large as Secrets Manager accepts (65,536 bytes) is read."""
    text = json.dumps({"password": "p", "note": "n" * 65_000})
    assert SecretDocument.parse(text).dump().reveal() == text


@pytest.mark.parametrize("value", ["", None, 7, ["canary"]])
def test_a_missing_password_is_named_by_its_key_alone(value):
    """A password that is empty or not text counts as missing."""
    with pytest.raises(SecretDocumentError, match="'password'"):
        _ = SecretDocument({}).password
    with pytest.raises(SecretDocumentError, match="'password'") as caught:
        _ = SecretDocument({"password": value}).password
    assert "canary" not in str(caught.value)


def test_it_shows_its_keys_and_no_value():
    """``repr``, ``str`` and formatting show the keys, and ``dump`` returns a ``Secret``, which shows a mask."""
    document = SecretDocument.parse(TEXT)
    shown = f"{document!r}{document}{[document]}{document.dump()}"
    assert ("'username'" in shown, "canary" in shown, "Zoë" in shown) == (True, False, False)


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps, json.dumps, vars])
def test_it_is_neither_copied_nor_serialised(take):
    """Copying and serialising a document raise a TypeError that quotes nothing."""
    with pytest.raises(TypeError) as caught:
        take(SecretDocument.parse(TEXT))
    assert "canary" not in str(caught.value)


def test_it_reads_like_a_mapping():
    """A document has the keys in order, the length and the values of a mapping."""
    document = SecretDocument.parse(TEXT)
    assert [*document] == ["zeta", "password", "username", "n", "driver"]
    assert (len(document), document["n"], "absent" in document) == (5, 1.5, False)


@pytest.mark.parametrize(
    "number", ["1.0", "1e3", "1E+3", "-0", "-0.0", "0.10", "12345678901234567890123", "1.00000000000000000001", "7"]
)
def test_a_number_keeps_its_text(number):
    """Other readers of the secret may compare texts; the value is a number all the same."""
    text = f'{{"password": "p", "n": {number}, "list": [{{"x": {number}}}]}}'
    document = SecretDocument.parse(text)
    assert document.replaced(password="p").dump().reveal() == text
    assert document["n"] == json.loads(number)


def test_a_byte_order_mark_is_named():
    """An editor that adds one is the most common reason for a value that is no JSON."""
    with pytest.raises(SecretDocumentError, match="byte order mark") as caught:
        SecretDocument.parse('\ufeff{"password": "canary"}')
    assert "UTF-8" in caught.value.hint


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5+/=="


@pytest.mark.parametrize(
    ("notes", "text"),
    [
        (Notes(), None),
        (Notes(power=Power.RUNNING), "power=running"),
        (Notes(host_key=KEY), "host_key=ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5+/=="),
        (Notes(power=Power.STOPPED, host_key=KEY, seal="1:ab"), None),
    ],
)
def test_notes_are_one_text_and_absent_when_there_are_none(notes, text):
    """Many readers of a secret take only flat documents."""
    noted = SecretDocument({"password": "p", "lockstep": {"power": None}, "last": 1}).noting(notes)
    kept = SecretDocument.parse(noted.dump().reveal())
    assert kept.notes == notes
    assert ("lockstep" in kept) is (notes != Notes())
    assert list(kept) == [key for key in ("password", "lockstep", "last") if key in kept]
    assert text is None or kept["lockstep"] == text


@pytest.mark.parametrize(
    ("kept", "notes"),
    [
        ({"power": "running", "host_key": KEY}, Notes(power=Power.RUNNING, host_key=KEY)),
        ({"power": None}, Notes()),
        ("power=flying later=x seal= =", Notes()),
        ("", Notes()),
        (7, Notes()),
        (["power=running"], Notes()),
    ],
    ids=str,
)
def test_the_former_form_and_unknown_notes_are_read(kept, notes):
    """An earlier release wrote an object; anything else of an unknown form counts as none."""
    assert SecretDocument({"password": "p", "lockstep": kept}).notes == notes


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
    first, behind_second = {"username": "a", "id": "1"}, {"alternate_username": "b", "alternate_id": "2"}
    second, behind_first = {"username": "b", "id": "2"}, {"alternate_username": "a", "alternate_id": "1"}
    edited = {"url": "https://b.example", "alternate_url": "https://a.example", "owner": "edited"}
    now = {**first, "password": "a1", **behind_second, **edited}
    new = {**second, "password": "b1", **behind_first, "lockstep": "x"}
    exchanged = {"url": "https://a.example", "alternate_url": "https://b.example"}
    merged = with_passwords_of(SecretDocument(new), SecretDocument(now)).dump().reveal()
    assert json.loads(merged) == {**edited, **new, **exchanged}


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
