"""``lockstep vault run``: one line for each rotation, a summary, and an exit code."""

import pytest

from rotation.cli.on_commit import OnCommit
from rotation.core.process import stop
from rotation_testkit.sandbox.sandbox import HUAWEI, VOLCENGINE
from vault_plugin.cli.run import followed
from vault_plugin.job.kv_rotation import Rotated


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
        assert (code, outcomes) == (4, [("rotation", "settings_error"), ("summary", None)])
        assert run("run", folder)[0] == 4
        assert f"error: settings_error: {started.path(HUAWEI)}: custom metadata: " in run.err
        code, records = run("run", folder, "--dry-run", "--json")
        assert (code, records[0]["path"], records[0]["error"]["code"]) == (4, started.path(HUAWEI), "settings_error")
        assert records[1] == {"event": "summary", "due": 0, "failed": 1, "waiting": 1, "off": 0}
        assert run("run", folder, "--dry-run")[0] == 4
        assert f"{started.path(HUAWEI)}: custom metadata: " in run.err
        assert "0 due, 1 cannot be rotated, 1 waiting, 0 off" in run.err


def test_a_mistyped_folder_and_an_engine_of_version_1_are_failures(cli, openbao, monkeypatch, corner):
    """Nothing found is no success: a scheduled job would stay green for ever."""
    with cli(holding=(HUAWEI,), custom={"lockstep-every": "5m"}) as (started, run):
        for folder in ("typo", f"secret/{started.folder}", started.path(HUAWEI)):
            code, (report,) = run("run", "--prefix", folder, "--json")
            assert (code, report["code"]) == (4, "secret_not_found"), folder
        assert run("run", "--prefix", started.folder, "--json")[0] == 0
        client = openbao.client()
        client.sys.enable_secrets_engine("kv", path=f"old-{corner}", options={"version": "1"})
        client.sys.enable_secrets_engine("transit", path=f"other-{corner}")
        for mount in (f"old-{corner}", f"other-{corner}"):
            monkeypatch.setenv("LOCKSTEP_VAULT_MOUNT", mount)
            for command in (("run",), ("run", "--prefix", "apps"), ("rotate", "apps/db")):
                code, (report,) = run(*command, "--json")
                assert (code, report.get("vendor_code") or report["error"]["vendor_code"]) == (4, "no_mount"), command
            client.sys.disable_secrets_engine(mount)


def test_a_run_that_must_stop_names_every_commit_for_which_the_command_was_not_run(capsys):
    """Also those that ended in their threads after that."""
    late = []

    def shown():
        yield Rotated(path="apps/a", committed=True)
        yield Rotated(path="apps/b")
        late.extend([Rotated(path="apps/c", committed=True), Rotated(path="apps/d")])
        raise stop.Halted

    ended = []
    with pytest.raises(stop.Halted):
        ended.extend(followed(shown(), late, OnCommit.of("true")))
    assert [each.path for each in ended] == ["apps/a", "apps/b"]
    assert "--on-commit was not run for apps/a, apps/c;" in capsys.readouterr().err
