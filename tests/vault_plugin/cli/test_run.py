"""``lockstep vault run``: one line for each rotation, a summary, and an exit code."""

from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE


def test_everything_due_from_the_command_line(cli):
    """Without due secrets nothing is printed; a faulty one gives a JSON line, a summary and exit code 1."""
    with cli(holding=(HUAWEI, VOLCENGINE), custom={"lockstep-every": "5m"}) as (started, run):
        folder = f"--prefix={started.folder}/apps"
        assert run("run", folder) == (0, "")
        assert "0 due, 2 waiting, 0 off" in run.err
        for account in (HUAWEI, VOLCENGINE):
            started.wish(account, every="5m", enabled="true")
        started.kv.configure(started.path(HUAWEI), custom={"lockstep-evry": "1h"})
        code, records = run("run", folder, "--json")
        outcomes = [(each["event"], each.get("outcome")) for each in records]
        assert (code, outcomes) == (1, [("rotation", "settings_error"), ("summary", None)])
        assert run("run", folder, "--dry-run", "--json")[0] == 1
