"""The vendors' policies against a second, independent reading of the vendors' pages."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import Context
from rotation.policy.description import rule_texts, sources
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion, second_opinions

VENDOR_POLICIES = vendor_policies()

EVERY = [(code, variant) for code, variants in VENDOR_POLICIES.items() for variant in variants]
HOSTILE = [
    "", " ", "a", "\x00" * 12, "pässwörd-Long1", "Abcdefg1 ", " Abcdefg1", "Abcdefg1\n", "Abc\tdefg1",
    "Abcdefg1\u202e", "\uff21bcdefg1!", "Abcdefg\u0661!", "\u212aelvin-Abc12345", "A" * 30 + "1!", "aA1!" * 8,
    "aA1!" * 9, "aA1!" * 1000, "@bcdefgH12345", "-bcdefgH12345", "!bcdefgH12345", 'Abcdef"123456',
    "Abcdef\\123456", "Abcdef`123456", "Abc'def,12345", "xADMINISTRATORx1", "xAdminstrator!12",
    "Radm1n!9Qx7Zk", "Abcdefghijkl", "abcdefghijk1", "ABCDEFGH1234", "12345678!@#$", "aaBBcc11!!dd",
    "aaaBBcc11!!d", "aaaaBcc11!!d", "AaAaAa11!!dd", "a1" * 4, "a1" * 8, "Ab1!" * 4, "zhangsan-Abc12",
    "NASGNAHZ-abc12",
]  # fmt: skip


def verdict(policy, text, username="", previous=""):
    """Return whether the policy finds nothing wrong."""
    context = Context(username=username, previous=Secret(previous) if previous else None)
    return policy.problems(Secret(text), context) == ()


def test_every_policy_has_a_second_opinion():
    """Every vendor policy has an independent reading of the vendor's page."""
    assert {code: set(second_opinions(code)) for code in VENDOR_POLICIES} == {
        code: set(variants) for code, variants in VENDOR_POLICIES.items()
    }


@pytest.mark.parametrize(("code", "variant"), EVERY)
def test_generated_passwords_satisfy_the_second_reading(code, variant):
    """Generated passwords satisfy the second reading, also for an account (``bench/soak.py`` runs a million)."""
    policy = VENDOR_POLICIES[code][variant]
    for _ in range(500):
        assert second_opinion(code, variant, policy.generate().reveal())
    previous = policy.generate()
    context = Context(username="Zhang.San", previous=previous)
    for _ in range(100):
        text = policy.generate(context).reveal()
        assert second_opinion(code, variant, text, username="Zhang.San", previous=previous.reveal())


@pytest.mark.parametrize(("code", "variant"), EVERY)
def test_both_agree_on_hostile_strings(code, variant):
    """Policy and second reading agree on strings that are made to be accepted by mistake."""
    expected = {text: second_opinion(code, variant, text, username="zhangsan") for text in HOSTILE}
    assert {text: verdict(VENDOR_POLICIES[code][variant], text, "zhangsan") for text in HOSTILE} == expected


PIECE = st.sampled_from(
    ["adm", "Min", "zhang", "gnahz", "aaa", "11", "Z", "q7", "!", "@", "-", "'", "`", '"', "\\", " ", "é"]
)
TEXT = st.lists(PIECE | st.text("abcXYZ019!#$", min_size=1, max_size=6), min_size=1, max_size=8).map("".join)
# The old password, from the new one.
PREVIOUS = st.sampled_from(["", "{0}", "{1}~", "{2}{{}}", "Other-Passw0rd"])


@settings(max_examples=200, deadline=None)
@given(text=TEXT, old=PREVIOUS)
def test_both_agree_on_any_string(text, old):
    """Policy and second reading of every vendor agree on random strings near the limits of the rules."""
    previous = old.format(text, text[:-1], text[:-2])
    for code, variant in EVERY:
        expected = second_opinion(code, variant, text, username="Zhang", previous=previous) and text != previous
        assert verdict(VENDOR_POLICIES[code][variant], text, "Zhang", previous) == expected, (code, variant)


@pytest.mark.parametrize(("code", "variant"), EVERY)
def test_every_rule_has_a_source_and_a_date(code, variant):
    """Each active rule of a vendor policy names a document and a date."""
    policy = VENDOR_POLICIES[code][variant]
    for rule, _ in rule_texts(policy):
        assert sources(policy, rule), rule
    assert all(re.search(r"\d{4}", source.date) for source in policy.sources)
