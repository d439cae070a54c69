"""Stricter policies: narrowed for an operator's consumer, and joined from two editions."""

from dataclasses import replace
from shlex import quote as shell_quote
from urllib.parse import quote as url_quote

import pytest

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.core.values import TargetRules
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, PasswordPolicy, Source, Word, intersect, narrow, obey
from rotation.policy.model import LOWER, charsets

LETTERS = Charset("lower", LOWER)
EVERY = [policy for variants in vendor_policies().values() for policy in variants.values()]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_narrowing_for_shells_and_urls(policy):
    """Narrowed passwords need no quoting and still satisfy the vendor."""
    shell, url = narrow(policy, shell_safe=True), narrow(policy, url_safe=True, exclude="0OIl1")
    for _ in range(50):
        first, second = shell.generate(), url.generate()
        assert shell_quote(first.reveal()) == first.reveal()
        assert first.reveal()[0].isalnum()
        assert url_quote(second.reveal(), safe="") == second.reveal()
        assert not set("0OIl1") & set(second.reveal())
        assert policy.problems(first) == policy.problems(second) == ()


def test_a_narrowed_length_stays_within_the_vendors_bounds():
    """A shorter length within the vendor's bounds is possible, and the vendor's bounds still judge."""
    shorter = narrow(vendor_policies()["huawei_meeting"]["default"], length=12)
    assert len(shorter.generate().reveal()) == 12
    assert shorter.problems(Secret("Abcdefgh-12345678")) == ()


def test_an_operator_may_allow_weakness():
    """``allow_weak`` accepts a PIN."""
    policy = PasswordPolicy(length=16, min_length=4, charsets=(LETTERS,))
    assert narrow(policy, length=4, allow_weak=True).size() == 26**4


def test_an_intersection_is_the_stricter_of_each_rule():
    """Every rule and source of two editions is kept; charsets of one name may hold different characters."""
    one = PasswordPolicy(
        name="one", length=20, min_length=8, charsets=(LETTERS, Charset("extra", "123!")), max_repeat=3,
        min_age_seconds=60, sources=(Source("page one", "2024", ("length",)),), words=(Word("root"),),
    )  # fmt: skip
    other = PasswordPolicy(
        name="other", length=24, min_length=12, charsets=(Charset("lower", LOWER + "1", 2), Charset("extra", "23?")),
        min_age_seconds=300, sources=(Source("page two", "2025", ("length",)),), first_not="a", classes=(AtLeast(2),),
    )  # fmt: skip
    joined = intersect(one, other)
    assert (joined.length, joined.min_length, joined.max_length) == (20, 12, 20)
    assert (joined.max_repeat, joined.min_age_seconds, joined.first_not) == (3, 300, "a")
    assert joined.alphabet == "123" + LOWER
    assert [source.cite for source in joined.sources] == ["page one", "page two"]
    minimums = {charset.name: charset.min_chars for charset in joined.charsets}
    assert minimums == {"lower": 0, "extra": 0, "lower'": 2, "extra'": 0}
    assert joined.classes == (AtLeast(2, (("lower'",), ("extra'",))),)


def test_a_third_edition_keeps_the_charsets_of_the_first_two():
    """A renamed charset of an earlier join is not taken for another one of that name."""
    first, second, third = (
        PasswordPolicy(length=16, charsets=(LETTERS, Charset("extra", chars, 1))) for chars in ("123", "234a", "34ab")
    )
    chars = [charset.chars for charset in intersect(first, intersect(second, third)).charsets]
    assert chars == [LOWER, "3", "3a", "3ab"]


DECLARED = PasswordPolicy(
    length=24,
    min_length=8,
    max_length=40,
    charsets=charsets("!-"),
    name="declared",
    sources=(Source("page", "2026", ()),),
)


def test_what_the_target_says_narrows_the_policy_and_names_its_source():
    """Candidates satisfy both; the target is one more source, of those rules alone about which it says something."""
    rules = TargetRules(
        source="GET /rules", min_length=12, max_length=20, classes=3, exclude="!", max_repeat=2, no_username=True
    )
    policy = obey(DECLARED, rules)
    assert (policy.length, policy.min_length, policy.max_length) == (20, 12, 20)
    assert "!" not in policy.alphabet
    assert policy.sources[-1] == Source(
        "GET /rules", "as read from the target", ("length", "charsets", "classes", "max_repeat", "names")
    )
    context = Context(username="robot")
    for _ in range(20):
        drawn = policy.generate(context)
        assert DECLARED.problems(drawn) == policy.problems(drawn, context) == ()
    broken = {"robot" + "aB1-" * 3: "name", "aB1-" * 2: "too_short", "aaaB1-" * 3: "max_repeat", "abcd" * 4: "classes"}
    assert {text: policy.problems(Secret(text), context)[0].code for text in broken} == broken


def test_the_target_never_widens_a_rule():
    """A weaker rule of the target changes nothing."""
    strict = replace(DECLARED, max_repeat=2, min_age_seconds=300)
    weaker = obey(strict, TargetRules(source="s", min_length=1, max_length=99, max_repeat=9, min_age_seconds=1))
    assert replace(weaker, sources=()) == replace(strict, sources=())
    assert obey(strict, TargetRules(source="s", min_age_seconds=600)).min_age_seconds == 600


@pytest.mark.parametrize(
    "rules",
    [
        {"min_length": 41},
        {"max_length": 7},
        {"classes": 5},
        {"exclude": "".join(map(chr, range(33, 127)))},
        {"max_length": 8, "exclude": LOWER + LOWER.upper()},
    ],
)
def test_what_no_password_satisfies_is_refused_with_both_sources(rules):
    """An impossible or weak intersection names the driver's policy and where the target says its rule."""
    with pytest.raises(PolicyError, match=r"declared.*GET /rules"):
        obey(DECLARED, TargetRules(source="GET /rules", **rules))
