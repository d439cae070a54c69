"""Generation is uniform over the whole accepted set, by whole strings and by rank."""

import os
from collections import Counter
from itertools import product
from statistics import NormalDist
from string import ascii_lowercase, digits

import pytest

from rotation.core.secret import Secret
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, Word
from rotation.policy.counting.sampler import TRIES, WholeStrings, below
from rotation.policy.model import NO_CONTEXT

LOWER, UPPER, DIGIT = Charset("lower", "abc"), Charset("upper", "AB"), Charset("digit", "12")
PREVIOUS = Context(username="ba", previous=Secret("aA1b"), history=(Secret("ccc2"),))


def small(length, context=NO_CONTEXT, **fields):
    """Return a policy whose strings can all be listed, of seven characters in three charsets, and a context."""
    return PasswordPolicy(**{"length": length, "charsets": (LOWER, UPPER, DIGIT), "allow_weak": True} | fields), context


SMALL = {
    "k of n": small(3, classes=(AtLeast(2),)),
    "merged classes": small(3, classes=(AtLeast(2, (("lower", "upper"), ("digit",))),)),
    "runs": small(5, charsets=(LOWER,), max_repeat=1),
    "forbidden words": small(4, words=(Word("ab"), Word("abc1", fragment=3))),
    "edges": small(3, first_not="12a", last_not="AB"),
    "alphabet that does not divide 256": small(3),
    "narrow": small(4, charsets=(Charset("lower", "abcdefgh"), Charset("digit", "12", 3))),
    "narrow runs": small(5, charsets=(Charset("lower", "abcd", 1), Charset("digit", "12", 4)), max_repeat=1),
    "account": small(4, PREVIOUS, names=(Name(),), positions=3, new_chars=1),
    "distance by counting": small(4, PREVIOUS, positions=4, new_chars=2, max_repeat=2),
}


def limit(degrees, false_alarm=1e-10):
    """Return the chi-square quantile by Wilson and Hilferty, plus 3 % because it is an approximation."""
    z = NormalDist().inv_cdf(1 - false_alarm)
    spread = 2 / (9 * degrees)
    return 1.03 * degrees * (1 - spread + z * spread**0.5) ** 3


def chi_square(counts, cells, draws):
    """Return the statistic against equal shares."""
    expected = draws / len(cells)
    return sum((counts[cell] - expected) ** 2 for cell in cells) / expected


@pytest.mark.parametrize("name", SMALL)
def test_no_bias_over_the_whole_accepted_set(judge, name):
    """Chi-square over every accepted string finds no bias; a false alarm happens once in 10 billion runs."""
    policy, context = SMALL[name]
    strings = map("".join, product(policy.alphabet, repeat=policy.length))
    cells = [text for text in strings if judge(policy, context, text)]
    assert len(cells) > 20
    draws = 25 * len(cells)
    sampler = policy._sampler_for(context)
    counts = Counter(sampler.draw() for _ in range(draws))
    assert set(counts) <= set(cells)
    assert chi_square(counts, cells, draws) < limit(len(cells) - 1)


def test_both_ways_of_drawing_are_among_the_small_policies():
    """Some of the policies above are drawn whole and some by rank, so both ways are tested."""
    ways = {policy._sampler_for(context)._language is None for policy, context in SMALL.values()}
    assert ways == {True, False}


def test_the_limit_notices_bias():
    """The common recipe, one character of each class and then any others, fails the same test."""
    cells = [text for text in map("".join, product("ab1", repeat=4)) if "1" in text and set(text) & set("ab")]
    draws = 300 * len(cells)
    counts = Counter()
    for _ in range(draws):
        picks = ["ab"[below(2)], "1", "ab1"[below(3)], "ab1"[below(3)]]
        counts["".join(picks.pop(below(len(picks))) for _ in range(4))] += 1
    assert set(counts) <= set(cells)
    assert chi_square(counts, cells, draws) > limit(len(cells) - 1)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100, 255, 256, 257])
def test_integers_below_a_limit_are_uniform(size):
    """Every integer below the limit is equally likely, so there is no modulo bias."""
    draws = 100 * size
    counts = Counter(str(below(size)) for _ in range(draws))
    cells = [str(value) for value in range(size)]
    assert set(counts) <= set(cells)
    assert chi_square(counts, cells, draws) < limit(max(1, size - 1))


def test_surplus_byte_values_are_thrown_away(monkeypatch):
    """Every byte value that is used stands for a character equally often; the rest is dropped."""
    monkeypatch.setattr(os, "urandom", lambda size: bytes(range(256)) * (size // 256 + 1))
    text = WholeStrings("abcdefg", 252).draw()
    assert Counter(text) == Counter({ord(char): 36 for char in "abcdefg"})


def test_a_short_batch_is_topped_up(monkeypatch):
    """When too many bytes were dropped, more are drawn until the string is full."""
    batches = [b"\xff" * 500, b"\x00" * 3, b"\x01" * 500]
    monkeypatch.setattr(os, "urandom", lambda _: batches.pop(0))
    assert WholeStrings("abc", 5).draw() == b"aaabb"


def test_rarely_accepted_policies_are_drawn_by_rank():
    """A policy that accepts less than one whole string in 16 does not depend on luck."""
    policy, _ = small(12, charsets=(Charset("lower", ascii_lowercase), Charset("digit", digits, 9)))
    assert policy.acceptance() < 1e-3
    assert policy.acceptance() * TRIES < 1
    sampler = policy._sampler_for(Context(username="x"))
    assert sampler._language is not None
