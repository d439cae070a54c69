"""``lockstep vault mirror`` finds the mirror by the secret's custom metadata or an option, in either direction."""

from __future__ import annotations

import json

from rotation.cli.app import run as lockstep
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD


def test_the_side_that_rotates_has_the_admin_credential(real, openbao, monkeypatch, capsys):
    """With ``--from aws`` the vendor is asked with the credential that Secrets Manager keeps, and KV needs none."""
    with real(holding=(UCLOUD,)) as started:
        inner = started.world
        name, path = inner.accounts[UCLOUD], started.path(UCLOUD)
        server = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root_token.reveal()}
        for key, value in (inner.environment() | server).items():
            monkeypatch.setenv(key, value)
        entry = started.kv.read(path)
        started.kv.write(path, entry.document.replaced(password="Wr0ng-Passw0rd!"), cas=entry.version)
        started.kv.remove(started.admin_path(UCLOUD))
        assert lockstep(["vault", "mirror", path, "--json", "--from=aws", f"--secret-id={name}"]) == 0
        assert json.loads(capsys.readouterr().out)["found"] == "overwritten"
        assert started.stored(UCLOUD) == inner.stored(UCLOUD) == inner.live(UCLOUD)


def test_the_mirror_from_the_command_line(real, openbao, monkeypatch, capsys):
    """MirrorState by the secret's own wish, within the allowed names; either store may be the one that rotates."""
    with real(holding=(HUAWEI,)) as started:
        inner = started.world
        name, path = inner.accounts[HUAWEI], started.path(HUAWEI)
        variables = started.environment() | {
            "VAULT_ADDR": openbao.address,
            "VAULT_TOKEN": openbao.root_token.reveal(),
            "LOCKSTEP_MIRROR_PREFIX": "lockstep/",
        }
        for key, value in variables.items():
            monkeypatch.setenv(key, value)

        def run(*arguments):
            code = lockstep(["vault", "mirror", path, "--json", *arguments])
            return code, json.loads(capsys.readouterr().out)

        assert run()[1]["code"] == "settings_error"
        assert run(f"--secret-id={name}") == (0, {"path": path, "found": "in_step"})
        started.wish(HUAWEI, mirror=name)
        assert run() == (0, {"path": path, "found": "in_step"})
        assert run("--from=aws") == (0, {"path": path, "found": "in_step"})
        entry = started.kv.read(path)
        started.kv.write(path, entry.document.replaced(driver="no_such"), cas=entry.version)
        monkeypatch.setenv("LOCKSTEP_DRIVERS", f"{HUAWEI},no_such")
        code, told = run()
        assert (code, told["code"]) == (1, "unknown_driver")
        started.kv.write(path, entry.document, cas=entry.version + 1)
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        monkeypatch.delenv("AWS_REGION", raising=False)
        code, told = run()
        assert (code, told["code"]) == (1, "config_error")
