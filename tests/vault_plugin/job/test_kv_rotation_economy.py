"""What a clean rotation in KV costs, step by step, as exact counts: round trips and writes of the journal."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rotation.stores.vault_kv import JOURNAL_SUFFIX
from rotation_testkit.sandbox.sandbox import HUAWEI, LINUX_VM, TENCENT, UCLOUD, VOLCENGINE

MONTH = 30 * 86_400.0


class Counting:
    """A mount that counts its requests, and the writes of a journal among them."""

    def __init__(self, kv):
        self._kv, self.trips, self.journal, self.read_paths = kv, 0, 0, []

    def read(self, path, *, version=None):
        """See ``Kv``."""
        self.trips += 1
        self.read_paths.append(path)
        return self._kv.read(path, version=version)

    def write(self, path, document, *, cas):
        """See ``Kv``."""
        self.trips += 1
        self.journal += path.endswith(JOURNAL_SUFFIX)
        return self._kv.write(path, document, cas=cas)

    def require_write(self, path):
        """See ``Kv``."""
        self.trips += 1
        self._kv.require_write(path)


@pytest.fixture
def count(modelled, rotate):
    """Return a function that rotates an account three times and returns the costs, each as two tuples by step."""

    def three(account):
        costs = []
        with modelled(holding=(account,)) as started:
            for _ in range(3):
                started.world.clock.sleep(MONTH)
                kv, ends = Counting(started.kv), [(0, 0)]

                def note(step, outcome, kv=kv, ends=ends):
                    del step, outcome
                    ends.append((kv.trips, kv.journal))

                assert rotate(started, account, kv=kv, on_step=note).error is None
                costs.append(tuple(tuple(y - x for x, y in pairwise(each)) for each in zip(*ends, strict=True)))
        return costs

    return three


@pytest.mark.parametrize("account", [UCLOUD, LINUX_VM, TENCENT, VOLCENGINE, HUAWEI])
def test_a_clean_rotation_costs_fourteen_round_trips_and_four_writes_of_the_journal(count, account):
    """Each rotation costs the same; a meeting account that changes itself needs no admin credential."""
    assert count(account) == [((5 if account == HUAWEI else 6, 4, 0, 4), (1, 2, 0, 1))] * 3


def test_the_admin_credential_is_read_once(modelled, rotate):
    """The four steps share one read; the next attempt reads the credential again."""
    with modelled(holding=(UCLOUD,)) as started:
        for _ in range(2):
            started.world.clock.sleep(MONTH)
            kv = Counting(started.kv)
            assert rotate(started, UCLOUD, kv=kv).error is None
            assert kv.read_paths.count(started.admin_path(UCLOUD)) == 1
