"""What a clean rotation costs in calls and writes, exactly. A change of the protocol changes these tables."""

import pytest

from bench.calls import ACCOUNTS, Count, aws, kv, plugin_store_calls, template

AWS = {
    "container": (Count((5, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    "machine": (Count((5, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    "device": (Count((5, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    "batch": (Count((8, 23, 8, 9), (1, 6, 0, 1)), Count((6, 22, 8, 10), (1, 5, 0, 2))),
    "user": (Count((5, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
    "meeting": (Count((4, 8, 1, 5), (1, 4, 0, 1)), Count((3, 7, 1, 6), (1, 3, 0, 2))),
}
"""Calls, and the writes among them, of the four steps: of a first rotation and of each later one.

The first one of a process also reads the admin credential and the seal's key.
"""
KV = {
    "container": Count((6, 4, 0, 4), (1, 2, 0, 1)),
    "machine": Count((6, 4, 0, 4), (1, 2, 0, 1)),
    "device": Count((6, 4, 0, 4), (1, 2, 0, 1)),
    "batch": Count((12, 33, 12, 12), (1, 5, 0, 1)),
    "user": Count((6, 4, 0, 4), (1, 2, 0, 1)),
    "meeting": Count((5, 4, 0, 4), (1, 2, 0, 1)),
}
"""Round trips, and the journal's writes among them, of the four steps; a first rotation costs what a later one does."""


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_rotation_over_secrets_manager_costs_exactly_this(account):
    """Every call of the handler counts, those for the admin credential included."""
    assert aws(account) == AWS[account]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_rotation_over_kv_costs_exactly_this(account):
    """Every verb of the mount is one request."""
    assert kv(account) == (KV[account], KV[account])


def test_the_stand_in_of_aws_template_makes_14_calls_and_2_writes():
    """It makes the calls that the template's source makes, step by step."""
    count = Count((5, 4, 2, 3), (1, 0, 0, 1))
    assert template() == (count, count)


def test_the_plugin_calls_no_store():
    """Vault keeps the candidate and the password; the plug-in has nowhere else to write."""
    assert plugin_store_calls() == 0
