"""The declarative file is read whole, or refused by the name of the table and the key."""

import json
import re

import pytest

from rotation.core.errors import ConfigError, SettingsError
from vault_plugin.provision.declaration import load

FILE = """
[plugin]
file = "lockstep-plugin"
[connections.directory]
driver = "volcengine_cloudidentity"
admin = "admin.json"
[roles.bob]
connection = "directory"
username = "bob"
period = 3600
options = { user_id = "u-1" }
"""


@pytest.fixture
def file(tmp_path):
    """Return a good file with its admin credential beside it."""
    (tmp_path / "admin.json").write_text(json.dumps({"access_key": "AKLTexample", "secret_key": "not-a-real-key"}))
    path = tmp_path / "lockstep.toml"
    path.write_text(FILE)
    return path


def test_a_file_is_read_as_the_desired_state(file):
    """Statements, policy and connection are read as the plug-in will read them."""
    wanted = load(file)
    bob = wanted.roles["bob"]
    assert (bob.statements, bob.policy.name) == (("user_id=u-1",), "volcengine_cloudidentity/default")
    assert wanted.connections["directory"].admin["secret_key"] == "not-a-real-key"
    (file.parent / "admin.json").unlink()
    assert load(file, credentials=False).connections == {}
    with pytest.raises(ConfigError, match="admin credential cannot be read"):
        load(file)


def test_a_roles_policy_is_what_the_file_asks_for(file):
    """Wishes for passwords at the top of the file, or in the driver's table, narrow what the server will generate."""
    file.write_text("password_length = 24\n[driver.volcengine_cloudidentity]\npassword_exclude = '$*!'\n" + FILE)
    policy = load(file).roles["bob"].policy
    assert (policy.length, set(policy.alphabet) & set("$*!")) == (24, set())
    assert all(charset.min_chars for charset in policy.charsets)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("period = 3600", "period = 4", "period must be 5 or more"),
        ('connection = "directory"', 'connection = "other"', "no connection 'other'"),
        ('options = { user_id = "u-1" }', "options = { zone = 1 }", "'zone' is no known setting"),
        ('driver = "volc', 'secret_key = "s3cret-s3cret"\ndriver = "volc', "'secret_key' is no known setting"),
        ("[plugin]", "[plugin_]", "plugin_ in lockstep.toml is no known setting; the nearest is plugin"),
        ("[plugin]", "windw = 'any'\n[plugin]", "windw in lockstep.toml is no known setting; the nearest is window"),
        ("[roles.bob]", '[roles."b/b"]', "the name must have"),
        ('username = "bob"', 'username = "bob"\npolicy = "linux"', "policy must be one of default"),
    ],
)
def test_a_wrong_file_is_refused_by_the_key(file, old, new, said):
    """The error names the table and the key, and no value."""
    file.write_text(FILE.replace(old, new, 1))
    with pytest.raises(SettingsError, match=re.escape(said)) as error:
        load(file)
    assert "s3cret" not in str(error.value)
    assert error.value.hint == "Correct what is named in lockstep.toml, and run the same command again."


def test_a_connection_takes_the_rest_from_its_drivers_table_and_from_the_top(file, monkeypatch):
    """Its own keys go first. A variable of the shell counts for nothing: the server keeps what the file says."""
    monkeypatch.setenv("LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOCKOUT", "9/900")
    shared = """
    hosts = ["proxy.example", "proxy.example:8443"]
    min_evidence = "ACCEPTED"
    window = "Sat 02:00-05:00 UTC"
    [driver.volcengine_cloudidentity]
    lockout = "3/900"
    propagation_seconds = 7
    window = "Sun 02:00-05:00 UTC"
    [driver.tencent_bm]
    endpoint = "https://bm.api.qcloud.com"
    """
    file.write_text(shared + FILE)
    keys = load(file).connections["directory"].keys
    assert (keys.hosts, keys.minimum_evidence) == ("proxy.example,proxy.example:8443", "ACCEPTED")
    assert (keys.lockout, keys.propagation_seconds, keys.window) == ("3/900", 7, "Sun 02:00-05:00 UTC")
    assert (keys.endpoint, keys.plugins) == ("", "")
    own = 'driver = "volcengine_cloudidentity"\nlockout = "4/900"\nwindow = "any"'
    file.write_text(shared + FILE.replace('driver = "volcengine_cloudidentity"', own))
    keys = load(file).connections["directory"].keys
    assert (keys.lockout, keys.window) == ("4/900", "any")


def test_a_broken_or_missing_file_is_an_error(tmp_path):
    """A broken and a missing file are errors; the parser's own message is not shown, since it could quote the text."""
    (tmp_path / "broken.toml").write_text('secret = "s3cret-s3cret')
    with pytest.raises(ConfigError, match="no valid TOML"):
        load(tmp_path / "broken.toml")
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        load(tmp_path / "missing.toml")


@pytest.mark.parametrize("name", ["admin.json", "lockstep.toml"])
def test_a_file_that_is_no_text_is_an_error_without_its_bytes(file, name):
    """A file in UTF-16, as some editors write it, is refused without quoting its bytes."""
    (file.parent / name).write_bytes('{"secret_key": "not-a-real-key"}'.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"UTF-8|TOML") as caught:
        load(file)
    assert caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o600, False)])
def test_an_admin_credential_that_others_can_read_gets_a_warning(file, caplog, mode, warned):
    """The warning names the connection and no value."""
    file.parent.chmod(0o755)
    (file.parent / "admin.json").chmod(mode)
    load(file)
    assert ("[connections.directory] admin: other users" in caplog.text) is warned
    assert "not-a-real-key" not in caplog.text
