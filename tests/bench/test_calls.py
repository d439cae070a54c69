"""What a clean rotation costs in calls and writes, exactly. A change of the protocol changes these tables."""

import pytest

from bench.calls import ACCOUNTS, Count, aws, kv, plugin_store_calls, template

AWS = {
    "container": (Count((6, 11, 7, 7), (1, 5, 3, 2)), Count((6, 12, 7, 9), (1, 6, 3, 4))),
    "machine": (Count((6, 12, 8, 8), (1, 6, 3, 3)), Count((6, 13, 8, 10), (1, 7, 3, 5))),
    "device": (Count((6, 12, 7, 8), (1, 6, 3, 3)), Count((6, 13, 7, 10), (1, 7, 3, 5))),
    "batch": (Count((9, 33, 39, 16), (1, 13, 18, 7)), Count((9, 34, 39, 18), (1, 14, 18, 9))),
    "user": (Count((6, 12, 5, 8), (1, 6, 1, 3)), Count((6, 13, 5, 10), (1, 7, 1, 5))),
    "meeting": (Count((5, 13, 6, 6), (1, 7, 3, 2)), Count((5, 14, 6, 8), (1, 8, 3, 4))),
}
"""Calls, and the writes among them, of the four steps: of a first rotation and of each later one."""
KV = {
    "container": Count((15, 18, 16, 13), (2, 3, 3, 1)),
    "machine": Count((15, 21, 18, 13), (2, 4, 3, 1)),
    "device": Count((15, 21, 16, 13), (2, 4, 3, 1)),
    "batch": Count((21, 70, 95, 36), (2, 11, 18, 6)),
    "user": Count((15, 21, 10, 13), (2, 4, 1, 1)),
    "meeting": Count((14, 25, 15, 12), (2, 5, 3, 1)),
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
