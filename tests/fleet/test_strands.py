"""Runs that share one virtual time."""

import threading
from random import Random  # noqa: TID251 - decides whose turn it is

import pytest

from rotation_testkit.fault_lab.in_memory.fuse import Crash
from rotation_testkit.fault_lab.random_fleets.play.strands import Strand, interleave


def counting(into, name, effects):
    """A run of so many effects."""

    def body(turn):
        for number in range(effects):
            turn()
            into.append(f"{name}{number}")

    return body


def test_a_strand_goes_on_only_when_told():
    """One effect at a time, and its end is seen."""
    done = []
    strand = Strand(counting(done, "a", 2))
    assert done == []
    strand.advance()
    assert (done, strand.ended) == ([], False)
    strand.advance()
    assert done == ["a0"]
    strand.advance()
    assert (done, strand.ended) == (["a0", "a1"], True)


def test_turns_depend_on_the_seed_alone():
    """The same seed interleaves in the same way; another one does not."""

    def order(seed):
        done = []
        interleave([counting(done, "a", 40), counting(done, "b", 40)], Random(seed), lambda _seconds: None)  # noqa: S311 - as above
        assert sorted(done) == sorted(f"{name}{number}" for name in "ab" for number in range(40))
        return done

    assert order(1) == order(1) != order(2)


def test_what_a_run_raises_is_raised_to_whoever_advances_it_and_no_thread_is_left():
    """The others end as killed processes do: whatever they do next raises ``Crash``."""
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
