"""Properties of every policy, checked against all strings of small policies."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.errors import PolicyError
from rotation.core.secret import Secret
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, PolicyFields, Word, intersect
from rotation.policy.counting.feasibility import exact_size, lower_bound
from rotation.policy.counting.language import Language
from rotation.policy.rules import Checker, resolve

SETS = {"lower": "abc", "upper": "AB", "digit": "12", "special": "!"}
TEXT = "aAbB12!c"


# Strategies are made once: making one for each example costs more than drawing from it.
BOOLEANS = st.booleans()
NAMES = st.lists(st.sampled_from(sorted(SETS)), min_size=1, max_size=3, unique=True)
MINIMUM = st.integers(0, 2)
EXTRA = st.none() | st.builds(
    Charset, st.just("extra"), st.sampled_from(["a1", "bB!", "c"]), min_chars=st.integers(0, 1)
)
# Of the k-of-n rules; the last rule may have merged classes.
COUNTS = st.sampled_from([(), (1,), (2,), (2, 1)])
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
def cases(draw):
    """Draw the fields of any policy whose strings can all be listed, and a context."""
    charsets = tuple(Charset(name, SETS[name], draw(MINIMUM)) for name in draw(NAMES))
    extra = draw(EXTRA)
    if extra is not None:
        charsets += (extra,)
    every = [charset.name for charset in charsets]
    of = (tuple(every[:2]), *[(name,) for name in every[2:]]) if draw(BOOLEANS) else ()
    counts = draw(COUNTS)
    classes = tuple(AtLeast(count, of if count == counts[-1] else ()) for count in counts)
    return {**draw(FIELDS), "charsets": charsets, "classes": classes}, draw(CONTEXT)


CASES = cases()


def unchecked(fields):
    """Return the fields of a policy even when nothing satisfies them."""
    policy = object.__new__(PolicyFields)
    policy.__dict__.update(fields)
    return policy


def accepted(judge, fields, context):
    """List every string of the policy's length that the independent judge accepts."""
    policy = unchecked(fields)
    strings = map("".join, product(policy.alphabet, repeat=policy.length))
    return [text for text in strings if judge(policy, context, text)]


@settings(max_examples=200, deadline=None)
@given(case=CASES)
def test_checks_counts_and_ranks_agree_with_the_judge(judge, case):
    """The check accepts and the ranks list what the judge accepts; the cheap bound never exceeds the exact count."""
    fields, context = case
    expected = accepted(judge, fields, context)
    rules = resolve(unchecked(fields), context, fields["length"])
    accepts, language = Checker(rules), Language(rules)
    strings = map("".join, product(rules.alphabet, repeat=rules.length))
    assert [text for text in strings if accepts(text.encode())] == expected
    assert lower_bound(rules) <= exact_size(rules, language) == len(expected)
    listed = [language.unrank(rank) for rank in range(language.size)]
    assert sorted(text for text in listed if text not in rules.used) == expected
    assert len(set(listed)) == len(listed)


@settings(max_examples=200, deadline=None)
@given(case=CASES, candidate=st.text(TEXT + "?\x00", min_size=1, max_size=5))
def test_policies_agree_with_the_judge(judge, case, candidate):
    """A policy loads exactly when some string satisfies it; its sizes, passwords and problems are the judge's.

    A context that leaves nothing is refused, and candidates may have any length and alphabet.
    """
    fields, context = case
    possible, expected = accepted(judge, fields, Context()), accepted(judge, fields, context)
    try:
        policy = PasswordPolicy(**fields)
    except PolicyError:
        assert not possible
        return
    assert policy.size() == len(possible) > 0
    assert policy.size(context) == len(expected)
    assert (policy.problems(Secret(candidate), context) == ()) == judge(policy, context, candidate)
    try:
        secret = policy.generate(context)
    except PolicyError:
        assert not expected
    else:
        assert secret.reveal() in expected
        assert policy.problems(secret, context) == ()


@settings(max_examples=60, deadline=None)
@given(one=CASES, other=CASES)
def test_an_intersection_accepts_what_both_accept(judge, one, other):
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
