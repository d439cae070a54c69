"""Policies reduced to what most generators know. ``test_hcl`` holds the promise of one in a million by count."""

from rotation.policy import AtLeast, PasswordPolicy, charsets
from rotation.policy.render.portable import make_portable


def test_the_example_of_the_module():
    """Two of three classes are missed once in about 550,000 strings; with a minimum for each class, never."""
    policy = PasswordPolicy(length=16, charsets=charsets("!")[:3], classes=(AtLeast(2),))
    alone = PasswordPolicy(length=16, charsets=policy.charsets)
    assert 540_000 < alone.size() / (alone.size() - policy.size()) < 550_000
    portable = make_portable(policy)
    assert [charset.min_chars for charset in portable.plain.charsets] == [1, 1, 1]
    assert portable.refused == 0
    assert portable.good_enough
