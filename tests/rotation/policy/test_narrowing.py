"""Stricter policies: narrowed for an operator's consumer, and joined from two editions."""

from shlex import quote as shell_quote
from urllib.parse import quote as url_quote

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, PasswordPolicy, Source, Word, intersect, narrow
from rotation.policy.model import LOWER

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
