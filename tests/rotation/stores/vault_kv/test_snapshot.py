"""What the secret and its journal say at one moment: late nodes, ages of versions, candidates of another form."""

from __future__ import annotations

import pytest

from rotation.core.errors import NotYetVisible
from rotation.core.secret import Secret
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.conformance.store_backdoor import FIRST, LIVE, NEXT


def test_a_candidate_is_as_old_as_its_making(door):
    """A repeated put does not change a candidate's age; once current, it has the server's time."""
    store, made = door.store(), door.clock.now()
    for _ in range(2):
        store.stage(FIRST, NEXT)
        door.clock.sleep(9)
    assert store.read(FIRST).created == made
    store.promote(FIRST, current_id=store.describe().current_id)
    store.settle(FIRST)
    assert store.read(FIRST).created == made + 18


def test_a_standby_that_lags_behind_is_waited_for(door):
    """Nothing is decided before this process sees its own writes."""
    lagging = Lagging(door.kv)
    store = VaultKv(lagging, "app", clock=door.clock)
    store.stage(FIRST, NEXT)
    lagging.behind = 3
    before = door.clock.now()
    assert store.unfinished() == FIRST
    assert door.clock.now() > before
    lagging.behind = 99
    with pytest.raises(NotYetVisible):
        store.describe()


def test_a_secret_older_than_its_journal_says_is_not_believed(door):
    """The answer misses a commit that the journal notes, or the secret was deleted and created again."""
    store = door.store()
    store.stage(FIRST, NEXT)
    store.promote(FIRST, current_id=store.describe().current_id)
    store.settle(FIRST)
    door.kv.remove("app")
    door.kv.write("app", LIVE, cas=0)
    with pytest.raises(NotYetVisible) as caught:
        door.store().describe()
    assert "delete its journal" in caught.value.hint


def test_a_candidate_with_a_value_that_is_none_of_the_servers(door):
    """A candidate that is not JSON makes nothing current."""
    door.put_text(FIRST, Secret("canary"))
    assert door.store().describe().current_id != FIRST


class Lagging:
    """A KV engine that answers so many reads with the previous version."""

    def __init__(self, kv):
        self._kv, self.behind = kv, 0

    def read(self, path, *, version=None):
        """See ``Kv``."""
        newest = self._kv.read(path)
        if version is None and self.behind and newest is not None and newest.version > 1:
            self.behind -= 1
            return self._kv.read(path, version=newest.version - 1)
        return self._kv.read(path, version=version)

    def write(self, path, document, *, cas):
        """See ``Kv``."""
        return self._kv.write(path, document, cas=cas)
