"""What a clean rotation in KV costs, step by step, as exact counts: round trips and writes of the journal."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rotation.core.document import SecretDocument
from rotation.stores.vault_kv import JOURNAL_SUFFIX
from rotation_testkit.doubles.families.ucloud.simulator import new_key
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
        costs, admins = [], {}
        with modelled(holding=(account,)) as started:
            for _ in range(3):
                started.world.clock.sleep(MONTH)
                kv, ends = Counting(started.kv), [(0, 0)]

                def note(step, outcome, kv=kv, ends=ends):
                    del step, outcome
                    ends.append((kv.trips, kv.journal))

                assert rotate(started, account, kv=kv, on_step=note, admins=admins).error is None
                costs.append(tuple(tuple(y - x for x, y in pairwise(each)) for each in zip(*ends, strict=True)))
        return costs

    return three


@pytest.mark.parametrize("account", [UCLOUD, LINUX_VM, TENCENT, VOLCENGINE, HUAWEI])
def test_a_clean_rotation_costs_twelve_round_trips_and_four_writes_of_the_journal(count, account):
    """Each rotation of a job costs the same, but the first one reads the admin credential where there is one."""
    first, *later = count(account)
    assert first == ((4 if account == HUAWEI else 5, 4, 0, 4), (1, 2, 0, 1))
    assert later == [((4, 4, 0, 4), (1, 2, 0, 1))] * 2


def replace_key(started):
    """Replace the vendor's key and the admin credential, as an administrator does."""
    key, path = new_key(), started.admin_path(UCLOUD)
    started.world.ucloud.keys = {key.public_key: key}
    document = started.kv.read(path).document.replaced(public_key=key.public_key, private_key=key.private_key.reveal())
    started.kv.write(path, document, cas=1)


def test_the_admin_credential_is_read_once_while_all_goes_well(modelled, rotate):
    """All rotations of a job share one read; one that was replaced meanwhile is read again, and fails no rotation."""
    with modelled(holding=(UCLOUD,)) as started:
        admins, reads = {started.path(UCLOUD): SecretDocument({"used": "as a credential of others"})}, []
        for replaced in (False, False, True, False, False):
            started.world.clock.sleep(MONTH)
            kv = Counting(started.kv)
            if replaced:
                replace_key(started)
            done = rotate(started, UCLOUD, kv=kv, admins=admins)
            assert (done.outcome, done.attempts) == ("promoted", 2 if replaced else 1)
            assert list(admins) == [started.admin_path(UCLOUD)]  # its own new value is not kept back from others
            reads.append(kv.read_paths.count(started.admin_path(UCLOUD)))
        assert reads == [1, 0, 1, 0, 0]
        started.world.ucloud.keys = {}
        for reads in (1, 1):  # the next rotation finds nothing kept, and asks the vendor once
            kv = Counting(started.kv)
            assert rotate(started, UCLOUD, kv=kv, admins=admins).outcome == "admin_rejected"
            assert kv.read_paths.count(started.admin_path(UCLOUD)) == reads
