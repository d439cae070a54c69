# ruff: noqa: E501 - one case, one line
"""What cannot work is refused at once, with the rule's name and without the candidate."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, Source, Word, intersect
from rotation.policy.counting import language
from rotation.policy.model import DIGITS, LOWER, UPPER

VENDOR_POLICIES = vendor_policies()

LETTERS = Charset("lower", LOWER)
DIGIT = Charset("digit", DIGITS)
FOUR = (Charset("lower", LOWER, 1), Charset("upper", UPPER, 1), Charset("digit", DIGITS, 1), Charset("special", "!#$%"))
HUAWEI = VENDOR_POLICIES["huawei_meeting"]["default"]
# Forbids every single letter of the account's name.
PERSONAL = PasswordPolicy(length=16, charsets=(Charset("lower", LOWER, 1), DIGIT), names=(Name(fragment=1),))
DIGITS_LEFT = PasswordPolicy(length=12, charsets=(LETTERS, DIGIT), names=(Name(fragment=1),))


def simple(**fields: Any) -> PasswordPolicy:
    """Make a policy of letters, apart from the fields given."""
    return PasswordPolicy(**{"length": 16, "charsets": (LETTERS,), **fields})


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "more digits than places": (lambda: simple(length=8, charsets=(LETTERS, Charset("digit", DIGITS, 9))), r"min_chars\(9 of 0123456789\)"),
    "no charset": (lambda: simple(charsets=()), "charset: the alphabet is empty"),
    "empty charset": (lambda: Charset("special", ""), r"charset\(special\): has no characters"),
    "excluded to nothing": (lambda: simple().narrowed(exclude=LOWER), "charset: no character is left"),
    "required class excluded": (lambda: simple(charsets=FOUR).narrowed(exclude=DIGITS), r"min_chars\(digit\)"),
    "non-ASCII": (lambda: Charset("special", "!é"), r"charset\(special\): only printable ASCII"),
    "control character": (lambda: Charset("special", "!\n"), r"charset\(special\): only printable ASCII"),
    "excluded non-ASCII": (lambda: simple().narrowed(exclude="é"), "exclude: only printable ASCII"),
    "first_not control": (lambda: simple(first_not="\x7f"), "first_not: only printable ASCII"),
    "last_not non-ASCII": (lambda: simple(last_not="ü"), "last_not: only printable ASCII"),
    "character twice": (lambda: Charset("digit", "1231"), r"charset\(digit\): lists a character twice"),
    "negative length": (lambda: simple(length=-1), "length: bounds -1 to -1"),
    "zero length": (lambda: simple(length=0), "length: bounds 0 to 0"),
    "huge length": (lambda: simple(length=10**9), "length: bounds"),
    "length below bounds": (lambda: simple(min_length=20, max_length=30), "length: 16 is not within 20 to 30"),
    "narrowed out of bounds": (lambda: simple().narrowed(length=17), "length: 17 is not within 16 to 16"),
    "bounds crossed": (lambda: simple(min_length=17, max_length=8), "length: bounds 17 to 8"),
    "negative minimum": (lambda: Charset("digit", DIGITS, -1), r"min_chars\(digit\)"),
    "negative run": (lambda: simple(max_repeat=-1), "max_repeat: must not be negative"),
    "negative age": (lambda: simple(min_age_seconds=-1), "min_age_seconds: must not be negative"),
    "same name twice": (lambda: simple(charsets=(LETTERS, LETTERS)), "charset: two have the same name"),
    "more classes than there are": (lambda: simple(classes=(AtLeast(2),)), "classes: 2 of only 1"),
    "no class at all": (lambda: AtLeast(0), "classes: must be 1 or more"),
    "unknown class": (lambda: simple(classes=(AtLeast(1, (("digits",),)),)), "no charset is called digits"),
    "class of nothing": (lambda: simple(classes=(AtLeast(1, ((), ("lower",))),)), "a class without charsets"),
    "empty word": (lambda: Word(""), "word: an empty word"),
    "negative fragment": (lambda: Word("root", fragment=-1), r"word\(root\)"),
    "runs of a lone character": (lambda: simple(length=9, charsets=(Charset("one", "a"),), max_repeat=2), r"max_repeat\(2\)"),
    "all words": (lambda: simple(charsets=(Charset("ab", "ab"),), words=(Word("a"), Word("b"))), "words"),
    "nothing may come first": (lambda: simple(charsets=(DIGIT,), first_not=DIGITS), "first_not"),
    "nothing may come last": (lambda: simple(charsets=(DIGIT,), last_not=DIGITS), "last_not"),
    "weak": (lambda: simple(length=8, charsets=(DIGIT,)), "weak: leaves 26.6 bits, fewer than 50"),
    "narrowed to weakness": (lambda: simple().narrowed(exclude=LOWER[:-2]), "weak: leaves 16.0 bits"),
    "editions without a common length": (lambda: intersect(simple(), simple(length=20)), "length: no length is within both"),
    "editions without a common character": (lambda: intersect(simple(), simple(charsets=(DIGIT,))), "charset: no character"),
    "endless username": (lambda: HUAWEI.generate(Context(username="x" * 10_000)), r"name\(username\): has 10000 characters"),
    "endless other name": (lambda: Context(names={"tenant": "x" * 257}), r"name\(tenant\): has 257 characters"),
    "username of every letter": (lambda: PERSONAL.generate(Context(username=LOWER)), r"min_chars\(1 of abc\w+\), names together"),
    "username that leaves digits": (lambda: DIGITS_LEFT.generate(Context(username=UPPER)), "weak: leaves 39.9 bits"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_clear_error_names_the_rule_at_once(name: str) -> None:
    """Each contradiction or malformed field is refused within 50 ms of work by an error that names the rule."""
    make, message = REFUSED[name]
    started = time.process_time()
    with pytest.raises(PolicyError, match=message):
        make()
    assert time.process_time() - started < 0.05


def test_a_username_with_every_letter_is_no_trouble_elsewhere() -> None:
    """As a whole word it hardly restricts anything."""
    context = Context(username=LOWER)
    assert HUAWEI.problems(HUAWEI.generate(context), context) == ()


def test_only_the_rules_that_clash_are_named() -> None:
    """The message holds a minimal set: innocent rules stay out of it."""
    with pytest.raises(PolicyError) as caught:
        simple(
            length=4, charsets=(Charset("digit", DIGITS, 2), Charset("lower", LOWER, 3)), max_repeat=2, first_not="1"
        )
    assert "min_chars(2 of 0123456789), min_chars(3 of abc" in caught.value.message
    assert "max_repeat" not in caught.value.message
    assert "first_not" not in caught.value.message
    assert caught.value.hint


def test_history_that_holds_everything() -> None:
    """When every accepted string was used before, there is an error and no endless search."""
    policy = simple(length=1, charsets=(Charset("bit", "01"),), allow_weak=True)
    assert policy.generate(Context(previous=Secret("0"))).reveal() == "1"
    with pytest.raises(PolicyError, match="history"):
        policy.generate(Context(previous=Secret("0"), history=(Secret("1"),)))


def test_a_context_that_leaves_next_to_nothing_is_counted() -> None:
    """Where one string in a billion is left, it is found by counting at once, not by luck for hours."""
    policy = simple(length=8, names=(Name(fragment=1),), allow_weak=True)
    started = time.process_time()
    context = Context(username=LOWER[2:], previous=Secret("a" * 8))
    assert set(policy.generate(context).reveal()) <= set("ab")
    assert policy.size(context) == 2**8 - 1
    assert time.process_time() - started < 1


def test_an_operator_may_allow_weakness() -> None:
    """``allow_weak`` accepts a PIN."""
    assert simple(min_length=4).narrowed(length=4, allow_weak=True).size() == 26**4


def test_rules_too_entangled_to_count_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that would take too long ends in an error, not in a hang."""
    monkeypatch.setattr(language, "MOST_WORK", 5_000)
    sets = tuple(Charset(f"c{index}", LOWER[index * 2 : index * 2 + 4], 7) for index in range(12))
    with pytest.raises(PolicyError, match="too entangled"):
        simple(length=128, charsets=sets, words=(Word(LOWER * 4, fragment=3),), max_repeat=1)


def test_problems_never_quote_the_candidate() -> None:
    """Neither messages nor errors hold the candidate, the old password, or the account's name."""
    context = Context(
        username="zhangsan", previous=Secret("qqqqqqqqq"), history=(Secret("zhangsan\u00e9\u00e9\u00e9"),)
    )
    found = HUAWEI.problems(Secret("zhangsan\u00e9\u00e9\u00e9"), context)
    assert {problem.code for problem in found} >= {"character", "max_repeat", "name", "history"}
    for problem in found:
        assert "zhangsan" not in problem.message
        assert "\u00e9" not in problem.message
    assert "qqq" not in repr(context)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "too_short"), ("a" * 33, "too_long"), ("a\x00", "character"), ("A", "min_chars"), ("aaaa", "max_repeat"),
        ("-a", "first_not"), ("a-", "last_not"), ("xRoOty", "word"), ("ab", "classes"),
    ],
)  # fmt: skip
def test_every_rule_has_its_code(text: str, code: str) -> None:
    """Codes are stable; each rule has one."""
    policy = PasswordPolicy(
        length=32,
        min_length=1,
        charsets=(Charset("lower", LOWER, 1), Charset("upper", UPPER), Charset("special", "-")),
        classes=(AtLeast(2),),
        first_not="-",
        last_not="-",
        max_repeat=3,
        words=(Word("root"),),
    )
    assert code in {problem.code for problem in policy.problems(Secret(text))}


def test_a_long_candidate_is_judged_quickly() -> None:
    """A megabyte of hostile text is no way to keep the checker busy: twice the length takes no more than twice the time.

    That takes 0.4 s, ten times as much under coverage; what grows with the square would take minutes.
    """
    started = time.process_time()
    assert HUAWEI.problems(Secret("aA1!" * 50_000), Context(username="x" * 256, previous=Secret("y" * 32)))
    assert time.process_time() - started < 20


def test_narrowing_for_shells_and_urls() -> None:
    """Narrowed passwords need no quoting and still satisfy the vendor."""
    from shlex import quote as shell_quote
    from urllib.parse import quote as url_quote

    for variants in VENDOR_POLICIES.values():
        for policy in variants.values():
            shell, url = policy.narrowed(shell_safe=True), policy.narrowed(url_safe=True, exclude="0OIl1")
            for _ in range(50):
                first, second = shell.generate(), url.generate()
                assert shell_quote(first.reveal()) == first.reveal()
                assert first.reveal()[0].isalnum()
                assert url_quote(second.reveal(), safe="") == second.reveal()
                assert not set("0OIl1") & set(second.reveal())
                assert policy.problems(first) == policy.problems(second) == ()


def test_narrowed_length_stays_a_vendor_length() -> None:
    """Shorter within the vendor's bounds is possible, and the vendor's bounds still judge."""
    shorter = HUAWEI.narrowed(length=12)
    assert len(shorter.generate().reveal()) == 12
    assert shorter.problems(Secret("Abcdefgh-12345678")) == ()


def test_intersection_is_the_stricter_of_each_rule() -> None:
    """Lengths, runs, ages, words and sources of two editions are joined; equal class names may hold different characters."""
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
    assert {charset.name: charset.min_chars for charset in joined.charsets} == {
        "lower": 0,
        "extra": 0,
        "lower'": 2,
        "extra'": 0,
    }
    assert joined.classes == (AtLeast(2, (("lower'",), ("extra'",))),)


def test_description_is_json_with_exact_numbers() -> None:
    """``describe`` carries the size as text, since JSON readers round large numbers."""
    import json

    facts = json.loads(json.dumps(HUAWEI.describe()))
    assert int(facts["size"]) == HUAWEI.size()
    assert facts["entropy_bits"] == 209.25
    assert all(rule["sources"] for rule in facts["rules"])


@pytest.mark.parametrize(
    ("length", "minimum", "acceptance", "bits"),
    [(32, 1, 0.9726, 209.71), (20, 1, 0.891, 130.93), (8, 1, 0.461, 51.32), (8, 2, 0.01935, 46.74)],
)
def test_numbers_agree_with_an_independent_count(length: int, minimum: int, acceptance: float, bits: float) -> None:
    """Multinomial counts made elsewhere for four classes of ASCII give the same acceptance and entropy."""
    specials = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    sets = {"lower": LOWER, "upper": UPPER, "digit": DIGITS, "special": specials}
    charsets = tuple(Charset(name, chars, minimum) for name, chars in sets.items())
    policy = PasswordPolicy(length=length, charsets=charsets, allow_weak=True)
    assert policy.acceptance() == pytest.approx(acceptance, rel=2e-3)
    assert policy.entropy_bits() == pytest.approx(bits, abs=0.006)


def test_importing_stays_lean() -> None:
    """A cold start loads neither renderers nor heavy modules for the policies."""
    import os
    import subprocess
    import sys

    code = "import sys, rotation.policy; print(*sys.modules)"
    # Coverage starts itself in each child that has its variables, and brings modules of its own.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=alone)
    loaded = set(done.stdout.split())
    assert not {"hypothesis", "fractions", "statistics", "json.tool", "rotation.policy.render", "random"} & loaded
