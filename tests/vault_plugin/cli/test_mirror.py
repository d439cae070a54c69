"""``lockstep vault mirror`` finds the mirror by the secret's custom metadata or an option, in either direction."""

from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from vault_plugin.mirror_link import CUSTOM_KEY, TAG_KEY, vault_source


def test_the_side_that_rotates_has_the_admin_credential(cli, monkeypatch):
    """With ``--from aws`` the vendor is asked with the credential in Secrets Manager, and KV needs none."""
    with cli(holding=(UCLOUD,)) as (started, run):
        inner = started.world
        name, path = inner.accounts[UCLOUD], started.path(UCLOUD)
        for key, value in inner.environment().items():
            monkeypatch.setenv(key, value)
        entry = started.kv.read(path)
        started.kv.write(path, entry.document.replaced(password="Wr0ng-Passw0rd!"), cas=entry.version)
        started.kv.remove(started.admin_path(UCLOUD))
        code, (refused,) = run("mirror", path, "--json", "--from=aws", f"--secret-id={name}")
        assert (code, refused["code"]) == (4, "mirror_not_linked")
        assert started.stored(UCLOUD) != inner.stored(UCLOUD)
        arn = inner.secrets_manager.client().describe_secret(SecretId=name)["ARN"]
        started.kv.configure(path, custom={CUSTOM_KEY: arn})
        code, (report,) = run("mirror", path, "--json", "--from=aws", f"--secret-id={name}")
        assert (code, report["found"]) == (0, "overwritten")
        assert started.stored(UCLOUD) == inner.stored(UCLOUD) == inner.live(UCLOUD)


def test_the_mirror_from_the_command_line(cli, monkeypatch):
    """The secret's custom metadata name the mirror, within the allowed names; either store may be the rotated one."""
    with cli(holding=(HUAWEI,)) as (started, run):
        monkeypatch.setenv("LOCKSTEP_MIRROR_PREFIX", "lockstep/")
        name, path = started.world.accounts[HUAWEI], started.path(HUAWEI)

        def mirror(*arguments):
            code, (report,) = run("mirror", path, "--json", *arguments)
            return code, report

        in_step = (0, {"path": path, "found": "in_step"})
        assert mirror()[1]["code"] == "settings_error"
        assert mirror(f"--secret-id={name}")[1]["code"] == "mirror_not_linked"
        client = started.world.secrets_manager.client()
        client.tag_resource(SecretId=name, Tags=[{"Key": TAG_KEY, "Value": vault_source(path, {})}])
        assert mirror(f"--secret-id={name}") == in_step
        started.wish(HUAWEI, mirror=name)
        assert mirror() == in_step
        arn = client.describe_secret(SecretId=name)["ARN"]
        started.kv.configure(path, custom={CUSTOM_KEY: arn, "lockstep-mirror": name})
        assert mirror("--from=aws") == in_step
        started.wish(HUAWEI, mirror=name)
        entry = started.kv.read(path)
        started.kv.write(path, entry.document.replaced(driver="no_such"), cas=entry.version)
        monkeypatch.setenv("LOCKSTEP_DRIVERS", f"{HUAWEI},no_such")
        code, report = mirror()
        assert (code, report["code"]) == (4, "unknown_driver")
        started.kv.write(path, entry.document, cas=entry.version + 1)
        for variable in ("AWS_DEFAULT_REGION", "AWS_REGION"):
            monkeypatch.delenv(variable, raising=False)
        code, report = mirror()
        assert (code, report["code"]) == (4, "config_error")
