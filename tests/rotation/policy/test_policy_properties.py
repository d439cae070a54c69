"""Properties of any policy, checked against all strings of small ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, PolicyFields, Word, intersect
from rotation.policy.checker import Checker
from rotation.policy.counting.bounds import lower_bound
from rotation.policy.counting.language import Language
from rotation.policy.rules import resolve

SETS = {"lower": "abc", "upper": "AB", "digit": "12", "special": "!"}
TEXT = "aAbB12!c"
Case = tuple[dict[str, Any], Context]


# Strategies are made once: making one for each example costs more than drawing from it.
BOOLEANS = st.booleans()
NAMES = st.lists(st.sampled_from(sorted(SETS)), min_size=1, max_size=3, unique=True)
MINIMUM = st.integers(0, 2)
EXTRA = st.none() | st.builds(
    Charset, st.just("extra"), st.sampled_from(["a1", "bB!", "c"]), min_chars=st.integers(0, 1)
)
CLASSES = st.sampled_from(["none", "one", "two", "both"])
WORD_TEXT = st.text(TEXT, min_size=1, max_size=4)
FIELDS = st.fixed_dictionaries(
    {
        "length": st.integers(1, 4),
        "first_not": st.sampled_from(["", "a", "1!", "abcAB"]),
        "last_not": st.sampled_from(["", "b", "2", "12!"]),
        "max_repeat": st.integers(0, 3),
        "words": st.lists(st.builds(Word, WORD_TEXT, st.integers(0, 3)), max_size=2).map(tuple),
        "names": st.lists(
            st.builds(Name, st.sampled_from(["username", "tenant"]), BOOLEANS, st.integers(0, 2)), max_size=2
        ).map(tuple),
        "positions": st.integers(0, 4),
        "new_chars": st.integers(0, 3),
        "allow_weak": st.just(value=True),
    }
)
SECRET = st.builds(Secret, st.text(TEXT, min_size=1, max_size=5))
CONTEXT = st.builds(
    Context,
    username=st.sampled_from(["", "a", "Ab", "ab1", "aba"]),
    previous=st.none() | SECRET,
    history=st.lists(SECRET, max_size=3).map(tuple),
    names=st.fixed_dictionaries({"tenant": st.sampled_from(["", "b", "B!", "21a"])}),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw the fields of any policy whose strings can all be listed, and a context."""
    charsets = tuple(Charset(name, SETS[name], draw(MINIMUM)) for name in draw(NAMES))
    extra = draw(EXTRA)
    if extra is not None:
        charsets += (extra,)
    every = [charset.name for charset in charsets]
    of = (tuple(every[:2]), *[(name,) for name in every[2:]]) if draw(BOOLEANS) else ()
    classes = {
        "none": (), "one": (AtLeast(1, of),), "two": (AtLeast(2, of),), "both": (AtLeast(2), AtLeast(1, of)),
    }[draw(CLASSES)]  # fmt: skip
    return {**draw(FIELDS), "charsets": charsets, "classes": classes}, draw(CONTEXT)


CASES = cases()


def unchecked(fields: dict[str, Any]) -> PolicyFields:
    """Return the fields of a policy even when nothing satisfies them."""
    policy = object.__new__(PolicyFields)
    policy.__dict__.update(fields)
    return policy


def accepted(judge: Callable[..., bool], fields: dict[str, Any], context: Context) -> list[str]:
    """List every string of the policy's length that the independent judge accepts."""
    policy = unchecked(fields)
    strings = map("".join, product(policy.alphabet, repeat=policy.length))
    return [text for text in strings if judge(policy, context, text)]


@settings(max_examples=100, deadline=None)
@given(case=CASES)
def test_infeasible_is_refused_at_load_and_every_other_count_is_exact(judge: Callable[..., bool], case: Case) -> None:
    """A policy loads exactly when some string satisfies it, and its size equals brute force, in any context."""
    fields, context = case
    possible = accepted(judge, fields, Context())
    try:
        policy = PasswordPolicy(**fields)
    except PolicyError:
        assert not possible
    else:
        assert policy.size() == len(possible) > 0
        assert policy.size(context) == len(accepted(judge, fields, context))


@settings(max_examples=100, deadline=None)
@given(case=CASES)
def test_the_quick_check_and_the_cheap_bound_agree_with_the_judge(judge: Callable[..., bool], case: Case) -> None:
    """The generator's own check says the same of every string; the bound that spares a count is never above it."""
    fields, context = case
    expected = accepted(judge, fields, context)
    rules = resolve(unchecked(fields), context, fields["length"])
    accepts = Checker(rules)
    strings = map("".join, product(rules.alphabet, repeat=rules.length))
    assert [text for text in strings if accepts(text.encode())] == expected
    assert lower_bound(rules) <= len(expected)


@settings(max_examples=100, deadline=None)
@given(case=CASES)
def test_every_rank_is_another_accepted_string(judge: Callable[..., bool], case: Case) -> None:
    """Ranks 0 to size - 1 name every accepted string exactly once."""
    fields, context = case
    if accepted(judge, fields, Context()):
        context = Context(context.username, context.previous, (), context.names)
        language = Language(PasswordPolicy(**fields)._rules(context))
        listed = [language.unrank(rank) for rank in range(language.size)]
        previous = "" if context.previous is None else context.previous.reveal()
        assert sorted(text for text in listed if text != previous) == accepted(judge, fields, context)
        assert len(set(listed)) == len(listed)


@settings(max_examples=100, deadline=None)
@given(case=CASES)
def test_generated_passwords_have_no_problems(judge: Callable[..., bool], case: Case) -> None:
    """A generated password satisfies the policy in its context; where none can, the context is refused."""
    fields, context = case
    if accepted(judge, fields, Context()):
        policy = PasswordPolicy(**fields)
        expected = set(accepted(judge, fields, context))
        try:
            secret = policy.generate(context)
        except PolicyError:
            assert not expected
        else:
            assert secret.reveal() in expected
            assert policy.problems(secret, context) == ()


@settings(max_examples=100, deadline=None)
@given(case=CASES, candidate=st.text(TEXT + "?\x00", max_size=5))
def test_problems_agree_with_the_judge(judge: Callable[..., bool], case: Case, candidate: str) -> None:
    """``problems`` finds something exactly when the judge refuses, for strings of any length and alphabet."""
    fields, context = case
    if accepted(judge, fields, Context()) and candidate:
        policy = PasswordPolicy(**fields)
        assert (policy.problems(Secret(candidate), context) == ()) == judge(policy, context, candidate)


@settings(max_examples=60, deadline=None)
@given(one=CASES, other=CASES)
def test_an_intersection_accepts_what_both_accept(judge: Callable[..., bool], one: Case, other: Case) -> None:
    """Two editions joined accept exactly the strings that each of them accepts."""
    context = one[1]
    first, second = ({**fields, "length": 3, "min_length": 1, "max_length": 3} for fields, _ in (one, other))
    both = set(accepted(judge, first, context)) & set(accepted(judge, second, context))
    try:
        joined = intersect(PasswordPolicy(**first), PasswordPolicy(**second))
    except PolicyError:
        alone = [accepted(judge, fields, Context()) for fields in (first, second)]
        assert not set(alone[0]) & set(alone[1])
    else:
        assert set(accepted(judge, {field: getattr(joined, field) for field in first}, context)) == both
