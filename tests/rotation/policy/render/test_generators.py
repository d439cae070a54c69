"""Policies of other generators: a real OpenBao makes from HCL what the policy accepts, and AWS knows its arguments."""

import json
from dataclasses import replace

import botocore.session
import pytest
from botocore.validate import ParamValidator

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, charsets
from rotation.policy.model import DIGITS, LOWER
from rotation.policy.render import to_get_random_password, to_hcl
from rotation.policy.render.generators import make_portable
from rotation_testkit.doubles.vault.openbao import OpenBao

EVERY = {policy.name: policy for variants in vendor_policies().values() for policy in variants.values()}
SAYABLE = sorted(set(EVERY) - {"huawei_meeting/default"})
# Every character that HCL might read as something else, in the order that would hurt.
AWKWARD = PasswordPolicy(
    name="awkward", length=20, charsets=(Charset("lower", LOWER, 2), Charset("special", "}%${\"\\#'` /*", 3))
)


@pytest.fixture(scope="module")
def generate(tmp_path_factory):
    """A function that lets a real OpenBao generate passwords from HCL."""
    with OpenBao(tmp_path_factory.mktemp("bao"), storage="inmem", log_level="error", audited=False) as server:
        adapter = server.client().adapter
        path = "/v1/sys/policies/password/under-test"

        def passwords(hcl, number):
            adapter.put(path, json={"policy": hcl})
            return [adapter.get(f"{path}/generate")["data"]["password"] for _ in range(number)]

        yield passwords


@pytest.mark.parametrize("name", SAYABLE)
def test_openbao_makes_what_the_policy_accepts(generate, name):
    """Every password that a real OpenBao makes from our HCL satisfies the policy."""
    policy = EVERY[name]
    rendered = to_hcl(policy)
    made = generate(rendered.text, 50)
    assert len(set(made)) == len(made)
    assert [text for text in made if policy.problems(Secret(text))] == []
    assert {len(text) for text in made} == {policy.length}


def test_openbao_reads_awkward_characters_literally(generate):
    """OpenBao takes quotes, backslashes and interpolation marks literally, and uses every character."""
    made = generate(to_hcl(AWKWARD).text, 75)
    assert [text for text in made if AWKWARD.problems(Secret(text))] == []
    assert set("".join(made)) == set(AWKWARD.alphabet)


@pytest.mark.parametrize("name", SAYABLE)
def test_hcl_keeps_the_one_in_a_million_promise_by_count(name):
    """The strings that HCL can make and the policy refuses are at most one in a million, counted exactly."""
    portable = make_portable(EVERY[name])
    plain, kept = portable.plain.size(), portable.policy.size()
    assert (plain - kept) * 1_000_000 <= plain
    assert to_hcl(EVERY[name]).refused == (plain - kept) / plain
    assert set(portable.plain.alphabet) <= set(EVERY[name].alphabet)


def test_hcl_names_what_it_loses():
    """Rules that need the account are listed as lost; a known name is no longer among them."""
    policy = replace(EVERY["tencent_bm/linux"], names=(Name(),), positions=2, min_age_seconds=60)
    lost = " ".join(to_hcl(policy).lost)
    assert all(rule in lost for rule in ("names", "positions", "history", "min_age_seconds"))
    known = to_hcl(policy, Context(username="ab"))
    assert "names" not in " ".join(known.lost)
    assert known.refused <= 1e-6
    assert not {"a", "A"} <= set(known.text.replace("charset", "")) or not {"b", "B"} <= set(known.text)


LONG = PasswordPolicy(length=128, min_length=8, charsets=(Charset("lower", LOWER),))
MANY_DIGITS = (Charset("lower", LOWER), Charset("digit", DIGITS, 16))


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (EVERY["huawei_meeting/default"], "HCL cannot say max_repeat: one password in 29"),
        # OpenBao draws whole strings, which hardly ever meet this policy, and fails after a second.
        (PasswordPolicy(length=20, charsets=MANY_DIGITS, allow_weak=True), "time out"),
        (replace(LONG, min_length=101), "length"),
        (PasswordPolicy(length=3, charsets=LONG.charsets, allow_weak=True), "length"),
    ],
)
def test_hcl_refuses_with_the_reason(policy, reason):
    """A policy is refused when HCL cannot express it and no smaller alphabet helps, or when OpenBao would fail."""
    with pytest.raises(PolicyError, match=reason):
        to_hcl(policy)


def test_hcl_takes_100_characters_at_most():
    """A longer policy is shortened where the vendor allows it."""
    assert to_hcl(LONG).text.startswith("length = 100\n")


def test_get_random_password_arguments():
    """The arguments give the service the narrowed alphabet, and ``lost`` names what they cannot express."""
    rendered = to_get_random_password(EVERY["huawei_meeting/default"])
    assert rendered.data["PasswordLength"] == 32
    assert rendered.data["ExcludeCharacters"] == '"'
    assert rendered.data["RequireEachIncludedType"] is True
    assert json.loads(rendered.text) == rendered.data
    lost = " ".join(rendered.lost)
    assert all(rule in lost for rule in ("max_repeat", "names", "positions", "uniformity", "min_age_seconds"))
    assert 0.003 < rendered.refused < 0.004


def test_get_random_password_leaves_out_whole_types():
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


def test_get_random_password_is_known_to_the_service():
    """Every argument exists in the service's own model and fits its types."""
    model = botocore.session.get_session().get_service_model("secretsmanager")
    shape = model.operation_model("GetRandomPassword").input_shape
    for policy in EVERY.values():
        report = ParamValidator().validate(dict(to_get_random_password(policy).data), shape)
        assert not report.has_errors(), report.generate_report()


def test_the_example_of_the_module():
    """Two of three classes are missed once in about 550,000 strings; with a minimum for each class, never."""
    policy = PasswordPolicy(length=16, charsets=charsets("!")[:3], classes=(AtLeast(2),))
    alone = PasswordPolicy(length=16, charsets=policy.charsets)
    assert 540_000 < alone.size() / (alone.size() - policy.size()) < 550_000
    portable = make_portable(policy)
    assert [charset.min_chars for charset in portable.plain.charsets] == [1, 1, 1]
    assert portable.refused == 0
    assert portable.good_enough
