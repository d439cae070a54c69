"""Generation is fast, measured against the documented recipe within the same run."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from rotation.policy import PasswordPolicy, charsets

ALPHABET = string.ascii_letters + string.digits + string.punctuation


def four(length: int, digits: int) -> PasswordPolicy:
    """Return a policy of four classes that requires one character of each, and of digits as many as given."""
    minimums = {"lower": 1, "upper": 1, "digit": digits, "special": 1}
    sets = tuple(replace(charset, min_chars=minimums[charset.name]) for charset in charsets(string.punctuation))
    return PasswordPolicy(length=length, charsets=sets)


def recipe() -> str:
    """Return a password by the recipe of the ``secrets`` page."""
    while True:
        password = "".join(secrets.choice(ALPHABET) for _ in range(20))
        if (
            any(char.islower() for char in password)
            and any(char.isupper() for char in password)
            and any(char.isdigit() for char in password)
            and any(char in string.punctuation for char in password)
        ):
            return password


def best(before: float, make: Callable[[], object], number: int) -> float:
    """Return the shorter of an earlier time and a new one, in seconds of this process for one call."""
    started = time.process_time()
    for _ in range(number):
        make()
    return min(before, (time.process_time() - started) / number)


def test_six_times_faster_than_the_documented_recipe() -> None:
    """The best round of each counts, and they take turns, so a busy machine can only delay the result."""
    policy = four(20, 1)
    assert max(_measured(policy.generate, recipe)) >= 6


def _measured(mine: Callable[[], object], other: Callable[[], object]) -> Iterator[float]:
    """Yield how many times faster one is, at most five times; a measurement ends as soon as it is six times."""
    for _ in range(5):
        ours = theirs = float("inf")
        for turn in range(40):
            ours, theirs = best(ours, mine, 500), best(theirs, other, 100)
            if turn > 5 and theirs >= 6 * ours:
                yield theirs / ours
                return
        yield theirs / ours


def test_one_draw_in_a_million_takes_less_than_a_millisecond() -> None:
    """A policy that accepts less than one whole string in a million generates in less than a millisecond."""
    policy = four(16, 10)
    assert policy.acceptance() < 1e-6
    policy.generate()
    took = float("inf")
    for _ in range(20):
        took = best(took, policy.generate, 100)
        if took < 1e-3:
            break
    assert took < 1e-3
