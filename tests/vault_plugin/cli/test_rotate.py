"""What fails exits 1 and what must wait exits 3; 2 says that the arguments were wrong, and nothing else."""

from __future__ import annotations

import pytest

from rotation_testkit.sandbox.sandbox import HUAWEI


def short(started):
    """Wish for passwords that the vendor's rules cannot give."""
    started.wish(HUAWEI, every="5m", length="999")
    return "policy_error"


def unknown(started):
    """Name a driver that there is not, in the secret; the deployment allows it."""
    entry = started.kv.read(started.path(HUAWEI))
    started.kv.write(started.path(HUAWEI), entry.document.replaced(driver="no_such"), cas=entry.version)
    started.wish(HUAWEI, every="5m")
    return "unknown_driver"


@pytest.mark.parametrize("spoil", [short, unknown])
def test_a_secret_that_cannot_be_rotated_is_a_failure(cli, spoil, monkeypatch):
    """Its own wish and its own driver are no wrong usage, and least of all done."""
    with cli(holding=(HUAWEI,)) as (started, run):
        monkeypatch.setenv("LOCKSTEP_DRIVERS", f"{HUAWEI},no_such")
        path, error = started.path(HUAWEI), spoil(started)

        code, (told,) = run("rotate", path, "--json")
        assert (code, told["outcome"]) == (1, error)
        code, _ = run("rotate", path)
        assert code == 1
        code, (told,) = run("verify", path, "--json")
        assert (code, told["outcome"]) == (1, error)
        assert run("rotate", path, "--dry-run")[0] == 1
        monkeypatch.setattr("rotation.core.clock.SystemClock.now", lambda _: started.world.clock.now() + 3600)
        code, (rotated, summary) = run("run", "--prefix", started.folder, "--json")
        assert (code, rotated["outcome"], summary["failed"]) == (1, error, 1)
        assert started.world.changes(HUAWEI) == 0


def test_wrong_arguments_are_wrong_usage(cli):
    """An option that there is not, and a number that cannot be."""
    with cli(holding=(HUAWEI,)) as (started, run):
        assert run("rotate", started.path(HUAWEI), "--no-such-option")[0] == 2
        assert run("run", "--jobs", "0")[0] == 2
