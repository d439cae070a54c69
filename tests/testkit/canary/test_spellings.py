"""What a search for secrets may overlook: nothing."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rotation.core.secret import Secret
from rotation_testkit.canary.spellings import find, probes, spellings

VALUE = 'Qu1et"horse/Battery+\\Stapl3ü&'
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(VALUES)
@example(VALUE)
@example("!!!!")
def test_each_spelling_holds_a_probe(value):
    """A text without any probe holds no spelling, so the spellings need not be made."""
    secret = Secret(value)
    few = probes(secret)
    assert [spelled for spelled in spellings(secret) if spelled and not any(each in spelled for each in few)] == []


def test_each_spelling_is_found():
    """A spelling is found anywhere in a text; a probe alone is no finding."""
    secret = Secret(VALUE)
    for spelled in spellings(secret):
        assert find({"it": secret}, [("text", f"before{spelled}after")]) == ["it in text"]
    assert find({"it": secret}, [("text", f"a horse and a {max(probes(secret), key=len)}"[:-1])]) == []


@pytest.mark.parametrize(
    "form",
    [
        quote(VALUE, safe=""),
        base64.b64encode(b"x" + VALUE.encode()).decode(),
        json.dumps({"a": VALUE}),
        VALUE.encode().hex(),
        VALUE.encode().hex().upper(),
    ],
    ids=["url", "base64", "json", "hex", "capital hex"],
)
def test_the_usual_forms_are_spellings(form):
    """The forms that the standard library gives a value are found, Base64 at any offset."""
    assert find({"it": Secret(VALUE)}, [("text", form)]) == ["it in text"]
