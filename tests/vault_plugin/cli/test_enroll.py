"""``lockstep vault enroll`` binds a secret of KV by custom metadata, which writers of its value cannot change."""

from __future__ import annotations

import io

from rotation.core.document import SecretDocument
from rotation_testkit.sandbox.enrolled import binding_of
from rotation_testkit.sandbox.sandbox import UCLOUD

KEY, OWN = "lockstep-account", {"lockstep-every": "30d", "owner": "us"}


def test_a_rotation_needs_the_binding_of_its_account(cli, openbao):
    """Without a binding nothing is called; with it the account rotates, and no other one that the value names."""
    with cli(holding=(UCLOUD,)) as (started, run):
        path, cloud = started.path(UCLOUD), started.world.ucloud
        started.kv.configure(path, custom=OWN)
        for command in (("rotate",), ("rotate", "--dry-run"), ("verify",), ("doctor",)):
            code, reports = run(*command, path, "--json")
            assert code in (3, 4), command
            assert "lockstep vault enroll" in str(reports), command
        assert cloud.requests == []

        code, (report,) = run("enroll", path, "--yes", "--json")
        assert (code, report["outcome"], report["path"]) == (0, "enrolled", path)
        entry = started.kv.read(path)
        assert entry.custom == {**OWN, KEY: binding_of(entry.document)}
        assert run("rotate", path)[0] == 0

        entry, requests = started.kv.read(path), len(cloud.requests)
        writer = openbao.client()
        writer.secrets.kv.v2.create_or_update_secret(
            path, {**entry.document, "password": "x", "uhost_id": "uhost-of-b"}, mount_point=started.mount
        )
        code, (report,) = run("rotate", path, "--json")
        assert (code, report["outcome"], report["attempts"]) == (4, "binding_mismatch", 1)
        assert len(cloud.requests) == requests


def test_the_first_proved_rotation_can_record_the_account(cli, monkeypatch):
    """With ``pin`` it writes the custom metadata once, and keeps what stands beside."""
    with cli(holding=(UCLOUD,)) as (started, run):
        path = started.path(UCLOUD)
        started.kv.configure(path, custom=OWN)
        monkeypatch.setenv("LOCKSTEP_BINDING", "pin")
        assert run("rotate", path)[0] == 0
        entry = started.kv.read(path)
        assert entry.custom == {**OWN, KEY: binding_of(SecretDocument(dict(entry.document)))}
        monkeypatch.delenv("LOCKSTEP_BINDING")
        assert run("rotate", path)[0] == 0


def test_a_secret_is_made_bound_and_rotates(cli, monkeypatch):
    """The login comes first, a wrong password writes nothing, and a path that has a value is left as it is."""
    with cli(holding=(UCLOUD,)) as (started, run):
        document, path = started.world.vendor_accounts[UCLOUD].document, f"{started.folder}/new"
        keys = {key: value for key, value in document.items() if key not in ("driver", "password")}
        words = ["--driver", UCLOUD, "--password-stdin", "--yes", "--json"]
        words += [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]

        def enroll(password):
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
            return run("enroll", path, *words)

        code, (refused,) = enroll("Wr0ng-Passw0rd")
        assert (code, refused["code"], refused["path"]) == (4, "login_rejected", path)
        assert started.kv.read(path) is None
        code, (report,) = enroll(started.world.live(UCLOUD).reveal())
        assert (code, report["outcome"]) == (0, "enrolled")
        entry = started.kv.read(path)
        assert entry.custom == {KEY: binding_of(entry.document)}
        assert (entry.version, dict(entry.document)) == (1, dict(document) | {"password": started.world.live(UCLOUD)})
        assert enroll("another password")[1][0]["outcome"] == "unchanged"
        assert run("rotate", path)[0] == 0
