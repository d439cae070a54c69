"""Properties of any policy, checked against all strings of small ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.errors import PolicyError
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, Word, intersect
from rotation.policy.bounds import floor
from rotation.policy.checking import Checker
from rotation.policy.counting import Language
from rotation.policy.rules import Rules, resolve
from rotation.secret import Secret

SETS = {"lower": "abc", "upper": "AB", "digit": "12", "special": "!"}
TEXT = "aAbB12!c"
Case = tuple[dict[str, Any], Context]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw the fields of any policy whose strings can all be listed, and a context."""
    names = draw(st.lists(st.sampled_from(sorted(SETS)), min_size=1, max_size=3, unique=True))
    charsets = tuple(Charset(name, SETS[name], draw(st.integers(0, 2))) for name in names)
    if draw(st.booleans()):
        charsets += (Charset("extra", draw(st.sampled_from(["a1", "bB!", "c"])), draw(st.integers(0, 1))),)
    every = [charset.name for charset in charsets]
    of = draw(st.sampled_from([(), (tuple(every[:2]), *[(name,) for name in every[2:]])]))
    text = st.text(TEXT, min_size=1, max_size=4)
    fields: dict[str, Any] = {
        "length": draw(st.integers(1, 4)),
        "charsets": charsets,
        "classes": draw(st.sampled_from([(), (AtLeast(1, of),), (AtLeast(2, of),), (AtLeast(2), AtLeast(1, of))])),
        "first_not": draw(st.sampled_from(["", "a", "1!", "abcAB"])),
        "last_not": draw(st.sampled_from(["", "b", "2", "12!"])),
        "max_repeat": draw(st.integers(0, 3)),
        "words": tuple(draw(st.lists(st.builds(Word, text, st.integers(0, 3)), max_size=2))),
        "names": tuple(
            draw(
                st.lists(
                    st.builds(Name, st.sampled_from(["username", "tenant"]), st.booleans(), st.integers(0, 2)),
                    max_size=2,
                )
            )
        ),
        "positions": draw(st.integers(0, 4)),
        "new_chars": draw(st.integers(0, 3)),
        "allow_weak": True,
    }
    secret = st.builds(Secret, st.text(TEXT, min_size=1, max_size=5))
    context = Context(
        username=draw(st.sampled_from(["", "a", "Ab", "ab1", "aba"])),
        previous=draw(st.none() | secret),
        history=tuple(draw(st.lists(secret, max_size=3))),
        names={"tenant": draw(st.sampled_from(["", "b", "B!", "21a"]))},
    )
    return fields, context


def accepted(judge: Callable[..., bool], fields: dict[str, Any], context: Context) -> list[str]:
    """List every string of the policy's length that the independent judge accepts."""
    alphabet = sorted(set("".join(charset.chars for charset in fields["charsets"])))
    policy = SimpleNamespace(**fields)
    strings = map("".join, product(alphabet, repeat=fields["length"]))
    return [text for text in strings if judge(policy, context, text)]


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_infeasible_is_refused_at_load_and_nothing_else(judge: Callable[..., bool], case: Case) -> None:
    """A policy loads exactly when some string satisfies it."""
    fields, _ = case
    possible = bool(accepted(judge, fields, Context()))
    try:
        PasswordPolicy(**fields)
    except PolicyError:
        assert not possible
    else:
        assert possible


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_the_count_is_exact(judge: Callable[..., bool], case: Case) -> None:
    """The size equals brute force, with names, previous password and history."""
    fields, context = case
    expected = accepted(judge, fields, context)
    if accepted(judge, fields, Context()):
        policy = PasswordPolicy(**fields)
        assert policy.size(context) == len(expected)
        assert policy.size() == len(accepted(judge, fields, Context()))


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_the_cheap_bound_never_promises_too_much(judge: Callable[..., bool], case: Case) -> None:
    """The lower bound that spares the count is never above the truth, and is the truth where no rule bites."""
    fields, context = case
    assert floor(resolved(fields, context)) <= len(accepted(judge, fields, context))


def test_the_cheap_bound_is_exact_for_lone_rules() -> None:
    """Without rules everything is left; within one change of a string of three bits there are four strings."""
    free = Rules("ab", 3, (), (), "", "", 0, (), (), "", 0, 0, frozenset())
    assert floor(free) == 8
    assert floor(free._replace(previous="aaa", positions=2)) == 4
    assert floor(free._replace(previous="aaa", new_chars=1)) == 7
    assert floor(free._replace(minimums=(("a", 2),))) == 4


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_the_quick_check_agrees_with_the_judge(judge: Callable[..., bool], case: Case) -> None:
    """The generator's own check says the same as the judge, for every string."""
    fields, context = case
    rules = resolved(fields, context)
    accepts = Checker(rules)
    strings = map("".join, product(rules.alphabet, repeat=rules.length))
    assert [text for text in strings if accepts(text.encode())] == accepted(judge, fields, context)


def resolved(fields: dict[str, Any], context: Context) -> Rules:
    """Resolve fields as a policy does, even when nothing satisfies them."""
    policy = cast("PasswordPolicy", SimpleNamespace(**fields, groups=lambda rule: groups(fields, rule)))
    return resolve(policy, context, fields["length"])


def groups(fields: dict[str, Any], rule: AtLeast) -> tuple[tuple[str, ...], ...]:
    """List the classes of a k-of-n rule as a policy does."""
    return rule.of or tuple((charset.name,) for charset in fields["charsets"])


@settings(max_examples=100, deadline=None)
@given(case=cases())
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
@given(case=cases())
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
@given(case=cases(), candidate=st.text(TEXT + "?\x00", max_size=5))
def test_problems_agree_with_the_judge(judge: Callable[..., bool], case: Case, candidate: str) -> None:
    """``problems`` finds something exactly when the judge refuses, for strings of any length and alphabet."""
    fields, context = case
    if accepted(judge, fields, Context()) and candidate:
        policy = PasswordPolicy(**fields)
        assert (policy.problems(Secret(candidate), context) == ()) == judge(policy, context, candidate)


@settings(max_examples=60, deadline=None)
@given(one=cases(), other=cases())
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
