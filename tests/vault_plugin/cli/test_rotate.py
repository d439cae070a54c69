"""``lockstep vault rotate``: exit codes, output for people and for machines, and the dry run."""

import time

import pytest

from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE, WINDOWS_VM


def short(started):
    """Ask for passwords that the vendor's rules do not allow; return how the commands end."""
    started.wish(HUAWEI, every="5m", length="999")
    return {"rotate": (4, "policy_error"), "verify": (0, "current_verified")}


def unknown(started):
    """Name an unknown driver in the secret and in the deployment; return how the commands end."""
    entry = started.kv.read(started.path(HUAWEI))
    started.kv.write(started.path(HUAWEI), entry.document.replaced(driver="no_such"), cas=entry.version)
    started.wish(HUAWEI, every="5m")
    return dict.fromkeys(("rotate", "verify"), (4, "unknown_driver"))


@pytest.mark.parametrize("spoil", [short, unknown])
def test_a_secret_that_cannot_be_rotated_is_a_failure(cli, spoil, monkeypatch):
    """Metadata or a driver that make a rotation impossible exit 4, not 2 for wrong usage.

    What is asked of the next password says nothing against the current one.
    """
    with cli(holding=(HUAWEI,)) as (started, run):
        monkeypatch.setenv("LOCKSTEP_DRIVERS", f"{HUAWEI},no_such")
        path, ends = started.path(HUAWEI), spoil(started)

        for command, end in ends.items():
            code, (report,) = run(command, path, "--json")
            assert (code, report["outcome"]) == end
        for options in ((), ("--dry-run",)):
            assert run("rotate", path, *options)[0] == 4
        monkeypatch.setattr("rotation.core.clock.SystemClock.now", lambda _: started.world.clock.now() + 3600)
        monkeypatch.setattr("rotation.core.clock.StoreClock.heard", lambda *_: None)  # the real server's own time
        code, (rotated, summary) = run("run", "--prefix", started.folder, "--json")
        assert (code, rotated["outcome"], summary["failed"]) == (*ends["rotate"], 1)
        assert started.world.changes(HUAWEI) == 0


def test_wrong_arguments_are_wrong_usage(cli):
    """An unknown option, a missing path and an impossible number exit 2."""
    with cli(holding=(HUAWEI,)) as (started, run):
        for arguments in (("rotate", started.path(HUAWEI), "--no-such-option"), ("rotate",), ("run", "--jobs", "0")):
            assert run(*arguments)[0] == 2


def test_one_secret_is_rotated_from_the_command_line(cli):
    """The table shows the gap, standard error the steps, and ``--json`` prints one object and nothing else."""
    with cli(holding=(VOLCENGINE,)) as (started, run):
        code, out = run("rotate", started.path(VOLCENGINE))
        assert (code, started.heals(VOLCENGINE)) == (0, True)
        assert "gap for readers" in out
        assert "promoted" in out
        assert "setSecret: sent" in run.err
        code, (record,) = run("rotate", started.path(VOLCENGINE), "--json")
        assert (code, run.err, record["outcome"], record["path"]) == (0, "", "promoted", started.path(VOLCENGINE))
        assert record["gap_ms"] >= 0
        assert started.world.changes(VOLCENGINE) == 2


def test_a_missing_secret_fails_and_a_young_password_is_parked(cli):
    """A missing secret exits 4 with a hint, and a password that is too young exits 3."""
    with cli(holding=(HUAWEI,)) as (started, run):
        code, _ = run("rotate", f"{started.folder}/nothing")
        assert (code, "secret_not_found" in run.err, "hint" in run.err) == (4, True, True)
        assert run("rotate", started.path(HUAWEI))[0] == 0
        code, (record,) = run("rotate", started.path(HUAWEI), "--json")
        assert (code, record["error"]["reason"]) == (3, "too_soon")


@pytest.mark.parametrize("trap", [{"drip": 0.2}, {"flood": True}], ids=["drip", "flood"])
def test_a_windows_host_cannot_hold_the_command(cli, monkeypatch, trap):
    """A host that answers without an end is left within the time of a login, and its password is not reset."""
    monkeypatch.setenv("LOCKSTEP_LOGIN_SECONDS", "3")
    with cli(holding=(WINDOWS_VM,)) as (started, run):
        host = started.world.vendor_accounts[WINDOWS_VM].host
        for name, value in trap.items():
            setattr(host.behaviour, name, value)
        began = time.monotonic()
        code, (report,) = run("rotate", started.path(WINDOWS_VM), "--attempts=1", "--json")
        assert time.monotonic() - began < 20
        assert (code, started.world.changes(WINDOWS_VM)) == (1, 0), report
        assert started.heals(WINDOWS_VM)
