"""What a KV version 2 engine does, on the model and on the real server: the model is as strict as the real one."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict
from rotation.stores.vault_kv import Metadata
from rotation_testkit.doubles.vault.kv2 import Kv2

ONE, TWO = SecretDocument({"password": "one"}), SecretDocument({"password": "two"})


@pytest.fixture(params=["model", "openbao"])
def kv(request):
    """Return the model or the real engine."""
    if request.param == "model":
        return Kv2(now=lambda: 1_700_000_000.25)
    return request.getfixturevalue("served")


@pytest.fixture
def path(corner):
    """Return a path that no other test uses."""
    return f"{corner}/app"


def test_a_missing_entry_is_none(kv, path):
    """A missing entry has neither value nor metadata."""
    assert kv.read(path) is None
    assert kv.metadata(path) is None
    assert kv.list(path) == []


def test_the_first_write_names_version_zero(kv, path):
    """The first write names version zero and succeeds once."""
    written = kv.write(path, ONE, cas=0)
    assert written.version == 1
    with pytest.raises(StageConflict) as caught:
        kv.write(path, TWO, cas=0)
    assert caught.value.vendor_code == "check_and_set"
    assert kv.read(path).document == ONE
    assert kv.read(path).created == written.created


@pytest.mark.parametrize("cas", [0, 2, 7])
def test_a_write_names_the_newest_version(kv, path, cas):
    """A write that names an older or a future version is a conflict."""
    kv.write(path, ONE, cas=0)
    with pytest.raises(StageConflict):
        kv.write(path, TWO, cas=cas)
    assert kv.write(path, TWO, cas=1).version == 2
    assert kv.read(path, version=1).document == ONE
    assert kv.read(path).document == TWO
    assert kv.read(path, version=3) is None


def test_a_deleted_version_keeps_its_number(kv, path):
    """A deleted version has no value until it is undeleted, and the next write names it."""
    kv.configure(path, custom={"lockstep-every": "30d"})
    kv.write(path, ONE, cas=0)
    kv.delete(path)
    gone = kv.read(path)
    assert (gone.version, gone.document, gone.custom) == (1, None, {"lockstep-every": "30d"})
    assert not kv.metadata(path).readable
    kv.undelete(path, 1)
    assert kv.read(path).document == ONE
    kv.delete(path)
    assert kv.write(path, TWO, cas=1).version == 2
    assert kv.metadata(path).readable


def test_a_destroyed_version_is_gone_for_good(kv, path):
    """A destroyed version cannot be undeleted, and its number stays taken."""
    kv.write(path, ONE, cas=0)
    kv.destroy(path, 1)
    kv.undelete(path, 1)
    assert kv.read(path).document is None
    assert kv.write(path, TWO, cas=1).version == 2


def test_old_versions_are_dropped(kv, path):
    """An entry keeps as many versions as its own limit says, or ten."""
    kv.configure(path, max_versions=2)
    for number in range(4):
        kv.write(path, ONE, cas=number)
    assert [kv.read(path, version=each) is not None for each in (1, 2, 3, 4)] == [False, False, True, True]
    other = f"{path}-other"
    for number in range(11):
        kv.write(other, ONE, cas=number)
    assert [kv.read(other, version=each) is not None for each in (1, 2, 11)] == [False, True, True]


def test_metadata_may_come_first(kv, path):
    """An entry may have metadata and no version."""
    kv.configure(path, custom={"lockstep-every": "1h"})
    first = kv.metadata(path)
    wanted = Metadata(version=0, created=None, readable=False, custom={"lockstep-every": "1h"}, begun=first.begun)
    assert first == wanted
    assert kv.read(path) is None
    kv.write(path, ONE, cas=0)
    entry, metadata = kv.read(path), kv.metadata(path)
    assert entry.custom == metadata.custom == {"lockstep-every": "1h"}
    assert (metadata.version, metadata.created, metadata.readable) == (1, entry.epoch, True)
    assert 0 < metadata.begun == first.begun <= metadata.created


def test_a_removed_entry_starts_again(kv, path):
    """A removed entry starts again with version 1 and no custom metadata."""
    kv.configure(path, custom={"a": "b"})
    kv.write(path, ONE, cas=0)
    kv.remove(path)
    assert kv.metadata(path) is None
    assert kv.write(path, TWO, cas=0).version == 1
    assert kv.read(path).custom == {}


def test_a_folder_lists_entries_and_folders(kv, corner):
    """An entry and a folder may have the same name; slashes around a path do not matter."""
    for name in ("x", "x/y/z", "x.lockstep"):
        kv.write(f"{corner}/{name}", ONE, cas=0)
    assert kv.list(corner) == kv.list(f"{corner}/") == ["x", "x.lockstep", "x/"]
    assert kv.list(f"{corner}/x") == ["y/"]


def test_what_a_value_looks_like_when_it_comes_back(kv, path):
    """Keys come back sorted, numbers as floats, and every character as it was."""
    document = SecretDocument(
        {"z": "Ä😀 \u2028", "a": 1.0, "big": 12345678901234567890123, "odd": 2**53 + 1, "n": {"b": None, "a": [True]}}
    )
    kv.write(path, document, cas=0)
    kept = kv.read(path).document
    assert list(kept) == ["a", "big", "n", "odd", "z"]
    assert kept.dump().reveal() == (
        '{"a": 1, "big": 1.2345678901234568e+22, "n": {"a": [true], "b": null}, "odd": 9007199254740992, '
        '"z": "Ä😀 \u2028"}'
    )
