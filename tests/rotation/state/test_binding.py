"""The text of a binding fits a tag, reads back as it was, and tells accounts apart; notes never decide."""

from __future__ import annotations

import re

import pytest

from rotation.core.errors import BindingMismatch
from rotation.state.binding import NONE, Binding, digest, in_turn, of_batch

A = Binding(driver="acme", account=digest({"id": "a"}), pin=digest({"ssh": "key"}), note="eu/a/root")
B = Binding(driver="acme", account=digest({"id": "b"}), place=digest({"port": 2222}), note="eu/b/root")


@pytest.mark.parametrize("binding", [A, B, of_batch([A, B]), in_turn(A, B)])
def test_a_binding_reads_back_as_it_was_written(binding: Binding) -> None:
    """The text has at most 256 characters, of those that AWS allows in a tag's value."""
    text = binding.text()
    assert Binding.parse(text) == binding
    assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]{1,256}", text)


def test_a_note_is_cut_and_cleaned() -> None:
    """What a value says goes into the note as letters that a tag takes, and no further than there is room."""
    noisy = Binding(driver="acme", account=A.account, note="a,b\x1b[2J\u5bc6" * 100)
    text = noisy.text()
    assert len(text) == 256
    assert Binding.parse(text).note.startswith("a_b__2J_a_b")


@pytest.mark.parametrize("text", ["", "1 acme", "2" + A.text()[1:], A.text() + "\n", A.text().replace(A.account, "-")])
def test_what_is_no_binding_is_refused(text: str) -> None:
    """A garbled binding is an error, and never counts as none."""
    with pytest.raises(BindingMismatch):
        Binding.parse(text)


def test_a_batch_is_its_members_in_any_order() -> None:
    """Another member or place is another binding; a batch of one is its member; it has a pin where all have one."""
    whole = of_batch([A, B])
    assert of_batch([B, A]).account == whole.account
    assert of_batch([A]) == A
    assert whole.pin == NONE
    assert of_batch([A, A]).pin not in (NONE, A.pin)
    assert len({each.account for each in (whole, A, B, of_batch([A, B, B]))}) == 4
    assert of_batch([A, Binding(driver="acme", account=B.account)]).place != whole.place


def test_two_accounts_that_take_turns_have_one_binding_whichever_is_current() -> None:
    """It has the place and the pin of both, and is not that of a batch of the two, or of either alone."""
    there = Binding(driver="acme", account=B.account, place=A.place, pin=A.pin, note=B.note)
    assert in_turn(A, there) == in_turn(there, A)
    assert (in_turn(A, there).place, in_turn(A, there).pin) == (A.place, A.pin)
    assert len({each.account for each in (A, B, of_batch([A, B]), in_turn(A, B))}) == 4
    assert in_turn(A, B).note in ("eu/a/root and eu/b/root", "eu/b/root and eu/a/root")


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    """Equal values have equal digests of 32 digits, and no values have none."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": "2"})
    assert re.fullmatch(r"[0-9a-f]{32}", digest({"a": 1}))
    assert digest({}) == digest([]) == NONE
