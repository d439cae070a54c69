"""The automaton of forbidden words."""

from rotation.policy.counting.word_automaton import DEAD, WordAutomaton


def test_the_example_of_the_class():
    """For ``ab`` and ``bc``: ``a`` stays at node 1, ``b`` completes ``ab``, and ``c`` starts again at node 0."""
    automaton = WordAutomaton(("ab", "bc"))
    assert (automaton.step(0, "a"), automaton.step(0, "b"), automaton.step(0, "c")) == (1, 3, 0)
    assert (automaton.step(1, "a"), automaton.step(1, "b"), automaton.step(1, "c")) == (1, DEAD, 0)
    assert (automaton.step(3, "a"), automaton.step(3, "b"), automaton.step(3, "c")) == (1, 3, DEAD)
