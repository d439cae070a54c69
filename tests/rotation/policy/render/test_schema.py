"""JSON Schema of policies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, PasswordPolicy, Word
from rotation.policy.model import DIGITS, LOWER, UPPER
from rotation.policy.render import to_json_schema

EVERY = [policy for variants in vendor_policies().values() for policy in variants.values()]
RICH = PasswordPolicy(
    name="rich",
    length=8,
    min_length=2,
    max_length=9,
    charsets=(
        Charset("lower", LOWER, 1),
        Charset("upper", UPPER),
        Charset("digit", DIGITS, 2),
        Charset("special", "-]^\\[.*$("),
    ),
    classes=(AtLeast(2, (("lower", "upper"), ("digit",), ("special",))), AtLeast(3)),
    first_not="-^a",
    last_not="]\\$0",
    max_repeat=2,
    words=(Word("ab1"), Word("Root", fragment=3)),
    allow_weak=True,
)


RICH_SCHEMA = Draft202012Validator(dict(to_json_schema(RICH).data))


@settings(max_examples=200, deadline=None)
@given(text=st.text("abroOTt019-]^\\[.*$(\n é", max_size=10) | st.builds(lambda: RICH.generate().reveal()))
def test_the_schema_accepts_what_the_policy_accepts(text):
    """JSON Schema and policy agree on every string."""
    assert RICH_SCHEMA.is_valid(text) == (RICH.problems(Secret(text)) == ())


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_vendor_schemas_are_schemas(policy):
    """Each vendor's schema is well formed and accepts generated passwords."""
    rendered = to_json_schema(policy)
    schema = dict(rendered.data)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for _ in range(20):
        assert validator.is_valid(policy.generate().reveal())
    assert json.loads(rendered.text) == rendered.data


def test_schema_names_what_it_loses():
    """A schema knows neither the account's name nor its passwords."""
    lost = " ".join(to_json_schema(vendor_policies()["huawei_meeting"]["default"]).lost)
    assert all(rule in lost for rule in ("names", "positions", "history", "min_age_seconds"))
