"""``lockstep config``: every fault at once, where each value comes from, and the schema."""

import json

import pytest

from rotation.cli.app import run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty directory, without any variable of a deployment."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lockstep(capsys, *arguments):
    """Return exit code and output of a command, as JSON objects after ``--json``."""
    code = run(["config", *arguments])
    out = capsys.readouterr().out
    return code, [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out


def test_check_names_all_that_a_rotation_would_stop_at(folder, capsys, monkeypatch) -> None:
    """Faults of values and of the drivers are named, and nothing is called; the command fails."""
    (folder / "lockstep.toml").write_text(
        'drivers = ["tencent_bm", "huawei_meeting", "nosuch"]\n'
        '[driver.huawei_meeting]\nendpoint = "https://elsewhere.example"\nlogin = "ssh://host"\n'
        '[driver.ucloud_compshare]\nlockout = "3/900"\n'
    )
    code, (found,) = lockstep(capsys, "check", "--json")
    assert (code, found["file"], found["unused"]) == (1, "lockstep.toml", ["driver.ucloud_compshare.lockout"])
    said = " ".join(found["faults"])
    for part in ("LOCKSTEP_TENCENT_BM_ADMIN_SECRET is missing", "endpoint of huawei_meeting", "no driver nosuch"):
        assert part in said
    assert "LOCKSTEP_HUAWEI_MEETING_LOGIN is for drivers without logins" in said
    monkeypatch.setenv("LOCKSTEP_TENCENT_BM_WINDW", "Sat 02:00-05:00 UTC")
    code, out = lockstep(capsys, "check")
    assert code == 1
    assert "fault: LOCKSTEP_TENCENT_BM_WINDW is no known variable; the nearest is LOCKSTEP_TENCENT_BM_WINDOW" in out


def test_check_is_done_without_a_fault(folder, capsys) -> None:
    """A file can be checked before it is deployed."""
    (folder / "next.toml").write_text('drivers = ["huawei_meeting"]')
    assert lockstep(capsys, "check", "--file", "next.toml") == (0, "no fault in next.toml\n")
    code, out = lockstep(capsys, "check")
    assert (code, "LOCKSTEP_DRIVERS names no driver" in out) == (1, True)


def test_show_says_where_each_value_comes_from(folder, capsys, monkeypatch) -> None:
    """A driver's row shows the value that holds for it: its own, or the one for all."""
    (folder / "lockstep.toml").write_text('drivers = ["huawei_meeting"]\nwindow = "Sat 02:00-05:00 UTC"\n')
    monkeypatch.setenv("LOCKSTEP_HUAWEI_MEETING_LOCKOUT", "3/900")
    monkeypatch.setenv("LOCKSTEP_VAULT_SECRET_ID", "canary")
    code, rows = lockstep(capsys, "show", "--json")
    shown = {row["key"]: (row["value"], row["from"]) for row in rows}
    assert code == 0
    assert shown["drivers"] == (["huawei_meeting"], "lockstep.toml")
    assert shown["driver.huawei_meeting.window"] == ("Sat 02:00-05:00 UTC", "lockstep.toml")
    assert shown["driver.huawei_meeting.lockout"] == ("3/900", "LOCKSTEP_HUAWEI_MEETING_LOCKOUT")
    assert shown["commit"] == (None, "default: finish")
    assert shown["vault.secret_id"] == ("(set)", "LOCKSTEP_VAULT_SECRET_ID")
    monkeypatch.setenv("LOCKSTEP_COMMIT", "soon")
    code, out = lockstep(capsys, "show")
    assert (code, "canary" in out, "soon" in out) == (1, False, False)


def test_schema_is_the_one_that_is_tested(capsys) -> None:
    """It names the built-in drivers, so that an editor proposes them."""
    code, (schema,) = lockstep(capsys, "schema", "--json")
    assert (code, schema["$schema"]) == (0, "http://json-schema.org/draft-07/schema#")
    assert "tencent_bm" in schema["properties"]["driver"]["properties"]
    assert json.loads(lockstep(capsys, "schema")[1]) == schema
