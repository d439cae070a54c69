"""What custom metadata ask for, and which secrets a walk of a folder finds."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import SettingsError
from rotation.core.maintenance_window import Windows
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, VOLCENGINE
from vault_plugin.job.schedule import Wishes, walk

ALL = (UCLOUD, HUAWEI, VOLCENGINE)


EVERY = {"lockstep-every": "30d"}


def test_a_deleted_secret_and_a_journal_are_no_secrets(modelled):
    """A walk yields the secrets that can be rotated, at every depth."""
    with modelled(holding=ALL, custom=EVERY) as started:
        started.store(HUAWEI).begin("t")
        started.kv.configure(started.path(HUAWEI) + ".lockstep", custom=EVERY)
        started.kv.delete(started.path(UCLOUD))
        deep = f"{started.folder}/apps/a/b/c"
        started.kv.configure(deep, custom=EVERY)
        started.kv.write(deep, SecretDocument({"driver": "x"}), cas=0)
        found = {each.path: each.has_journal for each in walk(started.kv, started.folder)}
        assert found == {deep: False, started.path(HUAWEI): True, started.path(VOLCENGINE): False}


@pytest.mark.parametrize(
    ("custom", "faults"),
    [
        ({"lockstep-every": "30"}, 1),
        ({"lockstep-every": "4m", "lockstep-window": "Xyz 02:00-03:00 UTC"}, 2),
        ({"lockstep-evry": "30d", "lockstep-enabled": "maybe", "lockstep-length": "0", "lockstep-exclude": " "}, 4),
    ],
)
def test_faults_in_custom_metadata_are_all_listed(custom, faults):
    """All faults are listed together, and a misspelt key is a fault."""
    with pytest.raises(SettingsError) as caught:
        Wishes.parse(custom)
    assert len(caught.value.faults) == faults


def test_wishes_are_read_and_other_keys_left_alone():
    """Keys without our prefix belong to others and are ignored."""
    wishes = Wishes.parse(
        {"owner": "team", "lockstep-every": "12h", "lockstep-url-safe": "yes", "lockstep-mirror": "x"}
    )
    assert (wishes.every, wishes.enabled, wishes.mirror) == (43_200.0, True, "x")
    assert wishes.due_at(1000.0) == 44_200.0
    assert Wishes.parse({}).due_at(0.0) is None
    assert Wishes.parse({}).window == Windows()
