"""``lockstep vault status``: every secret with its last change, when it is due, and what it waits for."""

import pytest

from rotation.state import marks
from rotation.state.waiting import Wait
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, VOLCENGINE
from vault_plugin.job.secret_status import SecretStatus, Turn

WINDOW = "Sat,Sun 02:00-05:00 UTC"
KEYS = ["path", "turn", "changed", "due", "every_seconds", "window", "reason", "not_before", "needs_human", "error"]


def test_each_secret_shows_its_change_its_turn_and_what_it_waits_for(cli, clocked, monkeypatch):
    """What `run` would rotate comes first, then the next one; an edit of another key changes neither moment."""
    monkeypatch.setenv("COLUMNS", "80")
    with cli(holding=(HUAWEI, UCLOUD, VOLCENGINE), custom={"lockstep-every": "30d"}) as (started, run):
        folder, kv = f"--prefix={clocked(started).folder}/apps", started.kv
        paths = {account: started.path(account) for account in (HUAWEI, UCLOUD, VOLCENGINE)}
        made = kv.metadata(paths[UCLOUD]).created
        kv.configure(paths[UCLOUD], custom={"lockstep-every": "10d", "lockstep-window": WINDOW})
        kv.configure(paths[VOLCENGINE], custom={"lockstep-every": "10d", "lockstep-enabled": "false"})
        entry = kv.read(paths[UCLOUD])
        kv.write(paths[UCLOUD], entry.document.replaced(note="edited"), cas=entry.version)
        code, (next_one, later, off, summary) = run("status", folder, "--json")
        assert [list(each)[1:] for each in (next_one, later, off)] == [KEYS] * 3
        assert code == 0
        assert [each["path"] for each in (next_one, later, off)] == [paths[UCLOUD], paths[HUAWEI], paths[VOLCENGINE]]
        assert [each["turn"] for each in (next_one, later, off)] == ["waiting", "waiting", "off"]
        assert next_one["changed"] == pytest.approx(made, abs=1)
        assert made + 10 * 86_400 <= next_one["due"] <= made + 17 * 86_400
        assert (next_one["window"], next_one["every_seconds"]) == (WINDOW, 864_000.0)
        assert summary == {"event": "summary", "faulty": 0, "unfinished": 0, "due": 0, "waiting": 2, "off": 1}

        started.world.clock.sleep(31 * 86_400)
        kv.configure(paths[VOLCENGINE], custom={"lockstep-evry": "1d"})
        started.world.huawei.faults.add("PUT /v1/usg/acs/password", FaultKind.DROP_AFTER)
        assert run("rotate", paths[HUAWEI], "--attempts=1")[0] == 1
        store = started.store(HUAWEI)
        store.mark(store.unfinished(), marks.parked("vendor_busy", started.world.clock.now() + 7200))
        code, shown = run("status", folder, "--json")
        assert (code, [each.get("turn") for each in shown]) == (4, ["faulty", "unfinished", "due", None])
        assert (shown[0]["error"]["code"], shown[0]["needs_human"]) == ("settings_error", True)
        assert (shown[1]["reason"], shown[1]["needs_human"]) == ("vendor_busy", True)
        assert shown[1]["not_before"] > started.world.clock.now()
        code, planned = run("run", folder, "--dry-run", "--json")
        assert [each["path"] for each in planned if each["event"] == "due"] == [each["path"] for each in shown[1:3]]

        with monkeypatch.context() as terminal:
            terminal.setattr("sys.stdout.isatty", lambda: True)
            code, text = run("status", folder)
        assert code == 4
        assert max(map(len, text.splitlines())) <= 80
        assert "vendor_busy" in text
        assert f"error: settings_error: {paths[VOLCENGINE]}: custom metadata: " in run.err


def test_a_wait_whose_reason_is_not_known_needs_a_human():
    """As in `fleet status`: a reason of another release is one to look at."""
    waits = [Wait(reason, 1.0) for reason in ("back_off", "vendor_busy", "of_another_release")]
    seen = [SecretStatus(path="apps/a", turn=Turn.UNFINISHED, wait=each).needs_human for each in waits]
    assert seen == [False, True, True]


def test_a_folder_that_is_not_there_is_an_error(cli):
    """As for `run`: a mistyped name is not an empty list."""
    with cli(holding=(HUAWEI,)) as (_, run):
        code, (report,) = run("status", "--prefix=typo", "--json")
        assert (code, report["code"]) == (4, "secret_not_found")
