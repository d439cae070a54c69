"""Runs that share one virtual time."""

import threading
from random import Random  # noqa: TID251 - decides whose turn it is

import pytest

from rotation_testkit.fault_lab.in_memory.fuse import Crash
from rotation_testkit.fault_lab.random_fleets.play.interleaving import PausableRun, interleave


def counting(into, name, effects):
    """Return a run of so many effects."""

    def body(turn):
        for number in range(effects):
            turn()
            into.append(f"{name}{number}")

    return body


def test_a_run_goes_on_only_when_it_is_advanced():
    """A run makes one effect at a time, and its end is seen."""
    done = []
    run = PausableRun(counting(done, "a", 2))
    assert done == []
    run.advance()
    assert (done, run.ended) == ([], False)
    run.advance()
    assert done == ["a0"]
    run.advance()
    assert (done, run.ended) == (["a0", "a1"], True)


def test_turns_depend_on_the_seed_alone():
    """The same seed interleaves in the same way; another one does not."""

    def order(seed):
        done = []
        interleave([counting(done, "a", 40), counting(done, "b", 40)], Random(seed), lambda _seconds: None)  # noqa: S311 - as above
        assert sorted(done) == sorted(f"{name}{number}" for name in "ab" for number in range(40))
        return done

    assert order(1) == order(1) != order(2)


def test_what_a_run_raises_is_raised_where_it_is_advanced_and_no_thread_is_left():
    """The other runs end as killed processes do: anything they do next raises ``Crash``."""
    before = threading.active_count()
    ended = []

    def failing(turn):
        turn()
        raise ArithmeticError

    def dying(turn):
        try:
            while True:
                turn()
        except Crash:
            ended.append("crash")
            with pytest.raises(Crash):
                turn()
            ended.append("again")

    with pytest.raises(ArithmeticError):
        interleave([dying, failing], Random(1), lambda _seconds: None)  # noqa: S311 - as above
    assert ended in ([], ["crash", "again"])
    assert threading.active_count() == before
