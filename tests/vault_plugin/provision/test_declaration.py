"""The built file, the declarative file, and how a server's refusals read."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import hvac
import pytest

from rotation.core.errors import ConfigError, SettingsError, StoreDenied, StoreError
from rotation.core.secret import Secret
from rotation_testkit.doubles.vault.openbao import OpenBao
from vault_plugin.provision.build import Built, build
from vault_plugin.provision.declaration import load
from vault_plugin.provision.server import Server

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
def file(tmp_path: Path) -> Path:
    """A good file and its admin credential."""
    (tmp_path / "admin.json").write_text(json.dumps({"access_key": "AKLTexample", "secret_key": "not-a-real-key"}))
    path = tmp_path / "lockstep.toml"
    path.write_text(FILE)
    return path


def test_the_same_sources_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    """One file that runs, with our code in it and neither the kit nor the command line; by hand it says what it is."""
    first, second = built, build(tmp_path / "two")
    assert first.sha256 == second.sha256
    assert first.libraries.keys() == {"grpclib", "protobuf", "cryptography", "requests"}
    names = zipfile.ZipFile(first.path).namelist()
    assert {
        "__main__.py",
        "rotation/engine/account/steps.py",
        "rotation/engine/account/steps.pyc",
        "vault_plugin/goplugin/tls.pyc",
    } <= {*names}
    assert not [name for name in names if name.startswith(("rotation_testkit/", "rotation/cli/", "vault_plugin/cli/"))]
    done = subprocess.run([first.path], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "plug-in of Vault and OpenBao" in done.stderr


@pytest.mark.parametrize("python", ["python3", "/opt/with blank/python", "/" + 200 * "x"])
def test_an_interpreter_that_no_first_line_can_name_is_refused(tmp_path: Path, python: str) -> None:
    """Relative, with a blank, or too long for the kernel."""
    with pytest.raises(ConfigError):
        build(tmp_path / "plugin", python=python)
    assert list(tmp_path.iterdir()) == []


def test_a_file_says_what_shall_be(file: Path) -> None:
    """Statements, policy and connection come out as the plug-in will read them."""
    wanted = load(file)
    assert wanted.roles["bob"].statements == ("user_id=u-1",)
    assert wanted.roles["bob"].policy.name == "volcengine_cloudidentity/default"
    assert wanted.connections["directory"].admin["secret_key"] == "not-a-real-key"
    (file.parent / "admin.json").unlink()
    assert load(file, credentials=False).connections == {}
    with pytest.raises(ConfigError, match="admin credential cannot be read"):
        load(file)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("period = 3600", "period = 4", "period must be 5 or more"),
        ('connection = "directory"', 'connection = "other"', "no connection 'other'"),
        ('options = { user_id = "u-1" }', "options = { zone = 1 }", "'zone' is no known setting"),
        ('driver = "volc', 'secret_key = "s3cret-s3cret"\ndriver = "volc', "'secret_key' is no known setting"),
        ("[plugin]", "[plugins]", "'plugins' is no known table"),
        ("[roles.bob]", '[roles."b/b"]', "the name must have"),
        ('username = "bob"', 'username = "bob"\npolicy = "linux"', "policy must be one of default"),
    ],
)
def test_a_wrong_file_is_told_by_key(file: Path, old: str, new: str, said: str) -> None:
    """The table and the key are named, no value is."""
    file.write_text(FILE.replace(old, new, 1))
    with pytest.raises(SettingsError) as error:
        load(file)
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)


def test_no_toml_and_no_file(tmp_path: Path) -> None:
    """The parser's own message could quote the text."""
    (tmp_path / "broken.toml").write_text('secret = "s3cret-s3cret')
    with pytest.raises(ConfigError, match="no valid TOML"):
        load(tmp_path / "broken.toml")
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        load(tmp_path / "missing.toml")


def test_a_server_without_address_or_token_is_not_asked() -> None:
    """Both come from the environment, under either server's names."""
    with pytest.raises(ConfigError):
        Server.from_environment({"VAULT_ADDR": "http://127.0.0.1:9"})


def test_a_servers_refusals_are_typed(openbao: OpenBao) -> None:
    """A token without rights is StoreDenied, a wrong body is told in the server's words, nothing there is None."""
    server = Server(openbao.client())
    assert server.read("database-of-nobody/config/none") is None
    with pytest.raises(StoreError, match="sys/policies/password/x"):
        server.write("sys/policies/password/x", {"policy": "no policy"})
    powerless = Server(openbao.client(Secret("s.nobody")))
    with pytest.raises(StoreDenied):
        powerless.read("sys/mounts")
    nobody = Server(hvac.Client("http://127.0.0.1:9", token="none", timeout=5))
    with pytest.raises(StoreError, match="does not answer"):
        nobody.read("sys/mounts")
    nobody.close()


@pytest.mark.parametrize("where", ["", "a-file/plugin", pytest.param("no/such/folder/plugin", marks=pytest.mark.long)])
def test_a_plugin_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path, where: str) -> None:
    """A folder itself, a file where a folder should be, and no such folder; nothing is left lying about."""
    (tmp_path / "a-file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        build(tmp_path / where)
    assert caught.value.hint.startswith("Name ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["admin.json", "lockstep.toml"])
def test_a_file_that_is_no_text_is_told_without_its_bytes(file: Path, name: str) -> None:
    """Such as one that an editor kept as UTF-16."""
    (file.parent / name).write_bytes('{"secret_key": "not-a-real-key"}'.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"UTF-8|TOML") as caught:
        load(file)
    assert caught.value.hint
    assert caught.value.__context__ is None
