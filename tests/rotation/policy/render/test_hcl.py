"""Renderers: what they say is right, and what they cannot say is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, Word
from rotation.policy.model import DIGITS, LOWER, UPPER
from rotation.policy.render import to_get_random_password, to_hcl, to_json_schema, to_markdown
from rotation.policy.render.portable import squeeze

VENDOR_POLICIES = vendor_policies()

EVERY = {f"{code}/{variant}": policy for code, some in VENDOR_POLICIES.items() for variant, policy in some.items()}
SAYABLE = sorted(set(EVERY) - {"huawei_meeting/default"})
# Every character that HCL might read as something else, in the order that would hurt.
AWKWARD = PasswordPolicy(
    name="awkward",
    length=20,
    charsets=(Charset("lower", LOWER, 2), Charset("special", "}%${\"\\#'` /*", 3)),
)


@pytest.mark.parametrize("name", SAYABLE)
def test_openbao_makes_what_the_policy_accepts(bao: Any, name: str) -> None:
    """Every password that a real OpenBao makes from our HCL satisfies the policy."""
    policy = EVERY[name]
    rendered = to_hcl(policy)
    made = bao.passwords(rendered.text, 50)
    assert len(set(made)) == len(made)
    assert [text for text in made if policy.problems(Secret(text))] == []
    assert {len(text) for text in made} == {policy.length}


def test_openbao_reads_awkward_characters_literally(bao: Any) -> None:
    """Quotes, backslashes and interpolation marks arrive as themselves, all of them."""
    made = bao.passwords(to_hcl(AWKWARD).text, 75)
    assert [text for text in made if AWKWARD.problems(Secret(text))] == []
    assert set("".join(made)) == set(AWKWARD.alphabet)


@pytest.mark.parametrize("name", SAYABLE)
def test_hcl_keeps_the_one_in_a_million_promise_by_count(name: str) -> None:
    """The strings that HCL can make and the policy refuses are at most one in a million, counted exactly."""
    portable = squeeze(EVERY[name])
    plain, kept = portable.plain.size(), portable.policy.size()
    assert (plain - kept) * 1_000_000 <= plain
    assert to_hcl(EVERY[name]).refused == (plain - kept) / plain
    assert set(portable.plain.alphabet) <= set(EVERY[name].alphabet)


def test_hcl_refuses_a_run_rule_with_the_reason() -> None:
    """HCL cannot say how long a run may be, and no alphabet helps."""
    with pytest.raises(PolicyError, match="HCL cannot say max_repeat: one password in 29"):
        to_hcl(EVERY["huawei_meeting/default"])


def test_hcl_names_what_it_loses() -> None:
    """Rules that need the account are listed as lost; a known name is no longer among them."""
    policy = replace(EVERY["tencent_bm/linux"], names=(Name(),), positions=2, min_age_seconds=60)
    lost = " ".join(to_hcl(policy).lost)
    assert all(rule in lost for rule in ("names", "positions", "history", "min_age_seconds"))
    known = to_hcl(policy, Context(username="ab"))
    assert "names" not in " ".join(known.lost)
    assert known.refused <= 1e-6
    assert not {"a", "A"} <= set(known.text.replace("charset", "")) or not {"b", "B"} <= set(known.text)


def test_hcl_refuses_what_openbao_would_time_out_on() -> None:
    """A policy that whole draws hardly ever meet is refused instead of being sent to fail after a second."""
    policy = PasswordPolicy(
        length=20, charsets=(Charset("lower", LOWER), Charset("digit", DIGITS, 16)), allow_weak=True
    )
    with pytest.raises(PolicyError, match="time out"):
        to_hcl(policy)


def test_hcl_stays_within_its_lengths() -> None:
    """HCL takes 4 to 100 characters."""
    long = PasswordPolicy(length=128, min_length=8, charsets=(Charset("lower", LOWER),))
    assert to_hcl(long).text.startswith("length = 100\n")
    with pytest.raises(PolicyError, match="length"):
        to_hcl(replace(long, min_length=101))
    with pytest.raises(PolicyError, match="length"):
        to_hcl(PasswordPolicy(length=3, charsets=(Charset("lower", LOWER),), allow_weak=True))


def test_get_random_password_arguments() -> None:
    """The arguments give the service exactly the narrowed alphabet, and lost names what stays unsaid."""
    rendered = to_get_random_password(EVERY["huawei_meeting/default"])
    assert rendered.data["PasswordLength"] == 32
    assert rendered.data["ExcludeCharacters"] == '"'
    assert rendered.data["RequireEachIncludedType"] is True
    assert json.loads(rendered.text) == rendered.data
    lost = " ".join(rendered.lost)
    assert all(rule in lost for rule in ("max_repeat", "names", "positions", "uniformity", "min_age_seconds"))
    assert 0.003 < rendered.refused < 0.004


def test_get_random_password_leaves_out_whole_types() -> None:
    """A class that the policy lacks is excluded by its flag, not character by character."""
    policy = PasswordPolicy(
        length=20, charsets=(Charset("lower", LOWER), Charset("digit", DIGITS, 2), Charset("space", " "))
    )
    rendered = to_get_random_password(policy)
    assert rendered.data["ExcludeUppercase"] is True
    assert rendered.data["ExcludePunctuation"] is True
    assert rendered.data["ExcludeNumbers"] is False
    assert rendered.data["IncludeSpace"] is True
    assert rendered.data["ExcludeCharacters"] == ""
    assert any("2 of digit" in loss for loss in rendered.lost)
    assert rendered.refused > 0


def test_get_random_password_is_known_to_the_service() -> None:
    """Every argument exists in the service's own model and fits its types."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("secretsmanager")
    shape = model.operation_model("GetRandomPassword").input_shape
    for policy in EVERY.values():
        report = ParamValidator().validate(dict(to_get_random_password(policy).data), shape)
        assert not report.has_errors(), report.generate_report()


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


@pytest.fixture(scope="module")
def rich_schema() -> jsonschema.Draft202012Validator:
    """The rich policy's schema."""
    return jsonschema.Draft202012Validator(dict(to_json_schema(RICH).data))


@settings(max_examples=200, deadline=None)
@given(text=st.text("abroOTt019-]^\\[.*$(\n é", max_size=10) | st.builds(lambda: RICH.generate().reveal()))
def test_the_schema_accepts_what_the_policy_accepts(rich_schema: jsonschema.Draft202012Validator, text: str) -> None:
    """JSON Schema and policy agree on every string."""
    assert rich_schema.is_valid(text) == (RICH.problems(Secret(text)) == ())


@pytest.mark.parametrize("name", sorted(EVERY))
def test_vendor_schemas_are_schemas(name: str) -> None:
    """Each vendor's schema is well formed and accepts generated passwords."""
    rendered = to_json_schema(EVERY[name])
    jsonschema.Draft202012Validator.check_schema(dict(rendered.data))
    validator = jsonschema.Draft202012Validator(dict(rendered.data))
    for _ in range(20):
        assert validator.is_valid(EVERY[name].generate().reveal())
    assert json.loads(rendered.text) == rendered.data


def test_schema_names_what_it_loses() -> None:
    """A schema knows neither the account's name nor its passwords."""
    lost = " ".join(to_json_schema(EVERY["huawei_meeting/default"]).lost)
    assert all(rule in lost for rule in ("names", "positions", "history", "min_age_seconds"))


@pytest.mark.parametrize("name", sorted(EVERY))
def test_markdown_shows_every_rule_with_its_source(name: str) -> None:
    """The page lists the rules, the exact bits and the documents, and its table has three columns throughout."""
    from markdown_it import MarkdownIt

    policy = EVERY[name]
    text = to_markdown(policy).text
    html = MarkdownIt().enable("table").render(text)
    assert html.count("<td>") == 3 * (html.count("<tr>") - 1)
    assert f"{policy.entropy_bits():.1f} bits" in text
    for source in policy.sources:
        assert source.cite.split(",")[0] in html
    specials = next(charset.chars for charset in policy.charsets if charset.name == "special")
    escaped = specials.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert escaped in html
