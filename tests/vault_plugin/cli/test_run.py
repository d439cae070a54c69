"""``lockstep vault run``: one line for each rotation, a summary, and an exit code."""

from __future__ import annotations

import json

from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE


def test_everything_due_from_the_command_line(cli):
    """Nothing is due at first; later one JSON line for each rotation and a summary."""
    with cli(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "5m"}) as (started, run):
        folder = f"--prefix={started.folder}/apps"
        code, out, err = run("run", folder)
        assert (code, out) == (0, "")
        assert "0 due, 2 waiting, 0 off" in err
        for account in (HUAWEI, VOLCENGINE):
            started.wish(account, every="5m", enabled="true")
        started.kv.configure(started.path(HUAWEI), custom={"lockstep-evry": "1h"})
        code, out, _ = run("run", folder, "--json")
        records = [json.loads(line) for line in out.splitlines()]
        assert code == 1
        assert [(each["event"], each.get("outcome")) for each in records] == [
            ("rotation", "settings_error"),
            ("summary", None),
        ]
        assert run("run", folder, "--dry-run", "--json")[0] == 1
